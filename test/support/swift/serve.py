"""OpenStack Swift with its S3 API in one process: one copy of everything, below the folder given; ends with its standard input.

Prints its port on 127.0.0.1, then serves. Parts but the last have to be as long as the second argument says.
"""

import os
import sys

import eventlet
import eventlet.tpool

eventlet.monkey_patch()

from eventlet import wsgi
from swift.account.server import AccountController
from swift.common import utils
from swift.common.http_protocol import SwiftHttpProtocol
from swift.common.ring import RingBuilder
from swift.common.wsgi import loadapp
from swift.container.server import ContainerController
from swift.obj.server import ObjectController

folder, smallest_part, key, secret = sys.argv[1:5]
account, user = key.split(":")

utils.HASH_PATH_PREFIX = utils.HASH_PATH_SUFFIX = b"of a test"
disks = os.path.join(folder, "disks")
os.makedirs(os.path.join(disks, "disk"))

PROXY = f"""
[DEFAULT]
swift_dir = {folder}
log_address = {folder}/no-log

[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats s3api tempauth copy dlo slo versioned_writes proxy-server

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true

[filter:catch_errors]
use = egg:swift#catch_errors

[filter:gatekeeper]
use = egg:swift#gatekeeper

[filter:listing_formats]
use = egg:swift#listing_formats

[filter:s3api]
use = egg:swift#s3api
min_segment_size = {smallest_part}

[filter:tempauth]
use = egg:swift#tempauth
user_{account}_{user} = {secret} .admin

[filter:copy]
use = egg:swift#copy

[filter:dlo]
use = egg:swift#dlo

[filter:slo]
use = egg:swift#slo

[filter:versioned_writes]
use = egg:swift#versioned_writes
"""


class Memory:
    """What stands in for memcached, which tempauth insists on."""

    def __init__(self):
        self.kept = {}

    def get(self, name, **_):
        return self.kept.get(name)

    def set(self, name, value, **_):
        self.kept[name] = value

    def delete(self, name, **_):
        self.kept.pop(name, None)


def with_memory(app):
    kept = Memory()

    def answer(env, start):
        env["swift.cache"] = kept
        return app(env, start)

    return answer


def ring_of(kind, port):
    builder = RingBuilder(1, 1, 0)
    here = {"ip": "127.0.0.1", "port": port, "replication_ip": "127.0.0.1", "replication_port": port}
    builder.add_dev({"id": 0, "region": 1, "zone": 1, "device": "disk", "weight": 1, "meta": "", **here})
    builder.rebalance()
    builder.get_ring().save(os.path.join(folder, f"{kind}.ring.gz"))


def serve(socket, app):
    eventlet.spawn(wsgi.server, socket, app, log=open(os.devnull, "w"), protocol=SwiftHttpProtocol)


def main():
    conf = {"devices": disks, "mount_check": "false", "swift_dir": folder, "log_address": f"{folder}/no-log"}
    servers = {"account": AccountController, "container": ContainerController, "object": ObjectController}
    sockets = {kind: eventlet.listen(("127.0.0.1", 0)) for kind in servers}
    for kind, socket in sockets.items():
        ring_of(kind, socket.getsockname()[1])
    for kind, server in servers.items():
        serve(sockets[kind], server(conf))
    path = os.path.join(folder, "proxy-server.conf")
    with open(path, "w") as file:
        file.write(PROXY)
    front = eventlet.listen(("127.0.0.1", 0))
    serve(front, with_memory(loadapp(path)))
    print(front.getsockname()[1], flush=True)
    eventlet.tpool.execute(sys.stdin.read)


if __name__ == "__main__":
    main()
