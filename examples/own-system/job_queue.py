"""The worker of the job queue in Python, for pnpm own-system --exec. With --unfenced it is wrong."""

import json
import os
import sys

from bson import ObjectId
from pymongo import ASCENDING, MongoClient

jobs = MongoClient(os.environ["MONGODB_URI"])[os.environ["JOBS_DATABASE"]].jobs
is_fenced = "--unfenced" not in sys.argv


def work():
    lease = ObjectId()
    leased = {"$set": {"state": "leased", "lease": lease}}
    job = jobs.find_one_and_update({"state": "ready"}, leased, sort=[("_id", ASCENDING)])
    if job is None:
        return {"outcome": "empty"}
    mine = {"_id": job["_id"], "lease": lease} if is_fenced else {"_id": job["_id"]}
    done = jobs.update_one(mine, {"$set": {"state": "done"}, "$inc": {"runs": 1}})
    return {"outcome": "ran", "job": job["_id"]} if done.modified_count == 1 else {"outcome": "lost"}


def expire():
    jobs.update_many({"state": "leased"}, {"$set": {"state": "ready"}, "$unset": {"lease": ""}})
    return {"outcome": "expired"}


print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    call = json.loads(line)
    try:
        answer = work() if call["op"] == "work" else expire()
    except Exception as error:
        answer = {"outcome": "error", "text": str(error) or repr(error)}
    print(json.dumps({"id": call["id"], **answer}), flush=True)
