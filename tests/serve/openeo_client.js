// The openEO JavaScript client against a service: node openeo_client.js ADDRESS USER PASSWORD FOLDER
const { OpenEO } = require('@openeo/js-client');
const fs = require('fs');

const [address, user, password, folder] = process.argv.slice(2);

function check(good, what) {
  if (!good) throw new Error(what);
}

async function finished(job) {
  for (;;) {
    await job.describeJob();
    if (!['queued', 'running'].includes(job.status)) return;
    await new Promise(resolve => setTimeout(resolve, 300));
  }
}

async function main() {
  const con = await OpenEO.connect(address);
  check(con.capabilities().apiVersion() === '1.2.0', 'version of the API');
  for (const feature of ['listCollections', 'describeCollection', 'listProcesses', 'listFileTypes', 'listUdfRuntimes',
    'validateProcess', 'computeResult', 'listJobs', 'createJob', 'describeAccount', 'authenticateBasic', 'updateJob',
    'deleteJob', 'estimateJob', 'debugJob', 'startJob', 'stopJob', 'downloadResults']) {
    check(con.capabilities().hasFeature(feature), `${feature} is offered`);
  }
  check((await con.listAuthProviders()).map(one => one.getType()).join() === 'basic', 'kinds of login');
  await con.authenticateBasic(user, password);
  check((await con.describeAccount()).user_id.length > 0, 'account');
  const collections = await con.listCollections();
  check(collections.collections.some(one => one.id === 'SENTINEL2_L2A'), 'collections');
  const about = await con.describeCollection('SENTINEL2_L2A');
  check(about['cube:dimensions'].bands.values.includes('B04'), 'bands');
  check((await con.listFileTypes()).getOutputType('GTiff') !== null, 'file formats');
  await con.listUdfRuntimes();
  await con.listServiceTypes();

  const builder = await con.buildProcess('mean-ndvi');
  const box = { west: 0.55, south: 44.14, east: 0.553, north: 44.142 };
  const cube = builder.load_collection('SENTINEL2_L2A', box, ['2024-04-01', '2024-08-01'], ['B04', 'B08']);
  const mean = builder.reduce_dimension(cube, function(data) { return this.mean(data); }, 't');
  const ndvi = builder.ndvi(mean, 'B08', 'B04');
  const saved = builder.save_result(ndvi, 'GTiff');
  check((await con.validateProcess(saved)).length === 0, 'a good graph has no problems');
  const nothing = (await con.buildProcess('nothing')).load_collection('NOTHING', null, null);
  const wrong = await con.validateProcess(nothing);
  check(wrong.length > 0 && wrong[0].code === 'CollectionNotFound', 'a bad graph has problems');
  await con.downloadResult(saved, `${folder}/now.tif`);

  const job = await con.createJob(saved, 'ndvi', 'by the JavaScript client');
  await job.updateJob({ title: 'ndvi of a field' });
  check((await con.listJobs()).some(one => one.id === job.id && one.title === 'ndvi of a field'), 'list of jobs');
  check((await job.estimateJob()).costs === 0, 'estimate');
  await job.startJob();
  await finished(job);
  check(job.status === 'finished', `the job is ${job.status}`);
  check((await job.debugJob().nextLogs()).length > 0, 'logs');
  const files = await job.downloadResults(folder);
  check(files.length > 0, 'results');
  const [made] = files.filter(name => name.endsWith('.tif'));
  check(fs.statSync(made).size === fs.statSync(`${folder}/now.tif`).size, 'both answers are of one size');
  await job.deleteJob();
  const gone = await job.describeJob().then(() => null, error => error);
  check(gone !== null && gone.code === 'JobNotFound', 'the job is gone');

  const failing = await con.createJob(nothing);
  await failing.startJob();
  await finished(failing);
  check(failing.status === 'error', 'a job that cannot run ends in error');
  await failing.deleteJob();
  console.log('all passed');
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
