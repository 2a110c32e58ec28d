"""resourceconfig.json: one leader, whatever the order of the names."""

import json

import pytest

from gaussian_processes.errors import ConfigurationError
from gaussian_processes.job.contract.hosts import Hosts, read_hosts


def test_the_leader_is_the_first_in_sorted_order(tmp_path):
    """Every host comes to the same answer."""
    path = tmp_path / "resourceconfig.json"
    leaders = {}
    for current in ("algo-1", "algo-2", "algo-3"):
        path.write_text(json.dumps({"current_host": current, "hosts": ["algo-2", "algo-3", "algo-1"]}))
        hosts = read_hosts(path)
        leaders[current] = hosts.leader, hosts.leads
    assert leaders == {"algo-1": ("algo-1", True), "algo-2": ("algo-1", False), "algo-3": ("algo-1", False)}


def test_without_the_file_there_is_one_host(tmp_path):
    """As in local runs."""
    assert read_hosts(tmp_path / "resourceconfig.json").leads


def test_what_else_sagemaker_writes_is_no_obstacle(tmp_path):
    """Instance groups, network interfaces, a topology."""
    path = tmp_path / "resourceconfig.json"
    group = {"instance_group_name": "g", "instance_type": "ml.m5.large", "hosts": ["algo-1"]}
    document = {
        "current_host": "algo-1",
        "hosts": ["algo-1"],
        "network_interface_name": "ethwe",
        "current_instance_type": "ml.m5.large",
        "current_group_name": "g",
        "instance_groups": [group],
        "topology": {"a": 1},
    }
    path.write_text(json.dumps(document))
    assert read_hosts(path) == Hosts("algo-1", ("algo-1",), interface="ethwe")
    several = {**document, "instance_groups": [group, {**group, "instance_group_name": "h", "hosts": ["algo-2"]}]}
    path.write_text(json.dumps(several))
    assert read_hosts(path).group == "g"


@pytest.mark.parametrize(("instance_type", "local"), [("local", True), ("local_gpu", True), ("ml.m5.large", False)])
def test_local_mode_is_known_by_its_instance_type(tmp_path, instance_type, local):
    """As the SDK writes it."""
    path = tmp_path / "resourceconfig.json"
    document = {"current_host": "algo-1", "hosts": ["algo-1"], "current_instance_type": instance_type}
    path.write_text(json.dumps(document))
    assert read_hosts(path).local == local


@pytest.mark.parametrize(
    "document",
    [
        {"current_host": "algo-9", "hosts": ["algo-1"]},
        {"current_host": "algo-1", "hosts": "algo-1"},
        {"current_host": "algo-1", "hosts": [1, "algo-1"]},
        {"current_host": "algo-1", "hosts": []},
    ],
    ids=lambda document: str(document["hosts"]),
)
def test_a_file_that_contradicts_itself_is_refused(tmp_path, document):
    """With what it says."""
    path = tmp_path / "resourceconfig.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ConfigurationError, match=r"resourceconfig\.json: current_host is 'algo-\d' and hosts"):
        read_hosts(path)
