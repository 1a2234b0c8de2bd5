"""The checked-claim flow in Python, as pnpm stress --exec runs it. It is wrong: see README.md at the root."""

import json
import os
import sys
from datetime import datetime, timezone

from pymongo import MongoClient

db = MongoClient(os.environ["MONGODB_URI"])[os.environ["ROTATION_DATABASE"]]


def rotate(key):
    if db.factory_keys.find_one({"_id": key}) is None:
        return {"outcome": "already-rotated"}
    used = {"isUsed": True, "usedAt": now(), "usedFor": key}
    backup = db.backup_keys.find_one_and_update({"isUsed": False}, {"$set": used})
    if backup is None:
        return {"outcome": "no-backup"}
    bindings = list(db.proxy_key_bindings.find({"factoryKeyId": key}))
    db.proxy_key_bindings.delete_many({"factoryKeyId": key})
    if db.factory_keys.delete_one({"_id": key}).deleted_count == 0:
        return {"outcome": "already-rotated"}  # somebody was faster, and the backup is lost
    fresh = {"status": "healthy", "tokensUsed": 0, "requestsCount": 0, "createdAt": now()}
    db.factory_keys.insert_one({"_id": backup["_id"], "apiKey": backup["apiKey"], **fresh})
    if bindings:
        moved = [{**binding, "factoryKeyId": backup["_id"]} for binding in bindings]
        db.proxy_key_bindings.insert_many(moved)
    return {"outcome": "rotated", "replacement": backup["_id"]}


def now():
    return datetime.now(timezone.utc)


for line in sys.stdin:
    call = json.loads(line)
    try:
        answer = rotate(call["key"])
    except Exception as error:
        answer = {"outcome": "error", "text": str(error) or repr(error)}
    print(json.dumps({"id": call["id"], **answer}), flush=True)
