//! The checked-claim flow in Rust, as pnpm stress --exec runs it. It is wrong: see README.md at the root.

use mongodb::bson::{doc, DateTime, Document};
use mongodb::sync::{Client, Database};
use serde_json::{json, Value};
use std::{env, error::Error, io, io::Write};

fn rotate(db: &Database, key: &str) -> Result<Value, Box<dyn Error>> {
    let keys = db.collection::<Document>("factory_keys");
    let backups = db.collection::<Document>("backup_keys");
    let bindings = db.collection::<Document>("proxy_key_bindings");
    if keys.find_one(doc! { "_id": key }).run()?.is_none() {
        return Ok(json!({ "outcome": "already-rotated" }));
    }
    let used = doc! { "$set": { "isUsed": true, "usedAt": DateTime::now(), "usedFor": key } };
    let Some(backup) = backups.find_one_and_update(doc! { "isUsed": false }, used).run()? else {
        return Ok(json!({ "outcome": "no-backup" }));
    };
    let id = backup.get_str("_id")?;
    let mut moved: Vec<Document> = bindings.find(doc! { "factoryKeyId": key }).run()?.collect::<Result<_, _>>()?;
    bindings.delete_many(doc! { "factoryKeyId": key }).run()?;
    if keys.delete_one(doc! { "_id": key }).run()?.deleted_count == 0 {
        return Ok(json!({ "outcome": "already-rotated" })); // somebody was faster, and the backup is lost
    }
    keys.insert_one(doc! {
        "_id": id, "apiKey": backup.get_str("apiKey")?, "status": "healthy",
        "tokensUsed": 0, "requestsCount": 0, "createdAt": DateTime::now(),
    })
    .run()?;
    for binding in &mut moved {
        binding.insert("factoryKeyId", id);
    }
    if !moved.is_empty() {
        bindings.insert_many(moved).run()?;
    }
    Ok(json!({ "outcome": "rotated", "replacement": id }))
}

fn main() -> Result<(), Box<dyn Error>> {
    let client = Client::with_uri_str(env::var("MONGODB_URI")?)?;
    let db = client.database(&env::var("ROTATION_DATABASE")?);
    for line in io::stdin().lines() {
        let call: Value = serde_json::from_str(&line?)?;
        let key = call["key"].as_str().unwrap_or_default();
        let mut told =
            rotate(&db, key).unwrap_or_else(|error| json!({ "outcome": "error", "text": error.to_string() }));
        told["id"] = call["id"].clone();
        println!("{told}");
        io::stdout().flush()?;
    }
    Ok(())
}
