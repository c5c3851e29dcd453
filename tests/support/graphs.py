"""Process graphs, shortly written."""


def node(process_id, is_result=False, /, **arguments):
    """A node: `node("add", x=1, y=of("a"), result=True)`."""
    result = arguments.pop("result", is_result)
    return {"process_id": process_id, "arguments": arguments, **({"result": True} if result else {})}


def of(name):
    """What another node gives."""
    return {"from_node": name}


def parameter(name):
    """A parameter of the graph or of the callback."""
    return {"from_parameter": name}


MEAN = {"process_graph": {"m": node("mean", data=parameter("data"), result=True)}}
"""The mean, as a reducer."""
