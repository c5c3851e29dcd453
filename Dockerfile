# s2kit and its service: docker build -t s2kit .
# The demo, on this machine only: docker run --rm -p 127.0.0.1:8080:8080 s2kit serve --host 0.0.0.0 --insecure --demo
# Any verb, on the current folder: docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/data" s2kit render --bands B04,B03,B02
# The service needs a user first: docker run --rm -it -v s2kit-state:/state s2kit serve user add NAME --state /state
# It holds sentinelsat and html2text (GPLv3 or later): who passes the image on must heed that licence for the whole.
FROM python:3.13.11-slim-trixie AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src ./src
RUN python -m venv /opt/s2kit \
    && /opt/s2kit/bin/pip install --no-cache-dir --constraint constraints.txt '.[serve,openeo,cluster,xarray]'

FROM python:3.13.11-slim-trixie
RUN useradd --no-create-home --uid 1000 s2kit \
    && install --directory --owner=s2kit --group=s2kit /data /state
COPY --from=build /opt/s2kit /opt/s2kit
ENV PATH=/opt/s2kit/bin:$PATH \
    HOME=/tmp
USER 1000:1000
WORKDIR /data
VOLUME ["/data", "/state"]
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/health', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["s2kit"]
CMD ["serve", "--host", "0.0.0.0", "--state", "/state"]
