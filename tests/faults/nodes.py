"""A Ray cluster of several nodes on this machine: `python nodes.py NODES`, with a CPU for each.

Prints its address and the processes of the nodes that can be lost (not the head) as JSON when it is
up, and lasts until its standard input ends.
"""

import json
import sys

from ray.cluster_utils import Cluster


def main(nodes):
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        for _ in range(nodes - 1):
            cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        raylets = [node.all_processes["raylet"][0].process.pid for node in cluster.worker_nodes]
        print(json.dumps([cluster.address, raylets]), flush=True)
        sys.stdin.read()
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]))
