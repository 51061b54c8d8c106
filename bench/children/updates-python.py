# The same with python-ovs: follows Logical_Flow until a sentinel row appears.
import json
import resource
import sys
import uuid

import ovs.db.idl
import ovs.poller

remote, schema, watched = sys.argv[1], sys.argv[2], uuid.UUID(sys.argv[3])


def cpu_ms():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1000


helper = ovs.db.idl.SchemaHelper(schema)
helper.register_table("Logical_Flow")


class Follower(ovs.db.idl.Idl):
    changes = 0

    def notify(self, event, row, updates=None):
        self.changes += 1


idl = Follower(remote, helper, leader_only=False)
before = None
while True:
    idl.run()
    if before is None and idl.has_ever_connected() and len(idl.tables["Logical_Flow"].rows) > 0:
        before = cpu_ms()
        idl.changes = 0
        print("ready", flush=True)
    row = idl.tables["Logical_Flow"].rows.get(watched)
    if row is not None and row.match == "sentinel":
        break
    poller = ovs.poller.Poller()
    idl.wait(poller)
    poller.block()
print(json.dumps({"cpuMs": cpu_ms() - before, "changes": idl.changes}), flush=True)
