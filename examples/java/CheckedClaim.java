import static com.mongodb.client.model.Filters.eq;
import static com.mongodb.client.model.Updates.combine;
import static com.mongodb.client.model.Updates.set;

import com.mongodb.client.MongoClients;
import com.mongodb.client.MongoDatabase;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.Date;
import org.bson.Document;

/** The checked-claim flow in Java, as pnpm stress --exec runs it. It is wrong: see README.md at the root. */
final class CheckedClaim {
  static Document rotate(MongoDatabase db, String key) {
    var keys = db.getCollection("factory_keys");
    var bindings = db.getCollection("proxy_key_bindings");
    if (keys.find(eq("_id", key)).first() == null) return answer("already-rotated");
    var used = combine(set("isUsed", true), set("usedAt", new Date()), set("usedFor", key));
    var backup = db.getCollection("backup_keys").findOneAndUpdate(eq("isUsed", false), used);
    if (backup == null) return answer("no-backup");
    var moved = bindings.find(eq("factoryKeyId", key)).into(new ArrayList<>());
    bindings.deleteMany(eq("factoryKeyId", key));
    if (keys.deleteOne(eq("_id", key)).getDeletedCount() == 0)
      return answer("already-rotated"); // somebody was faster, and the backup is lost
    keys.insertOne(
        new Document("_id", backup.getString("_id"))
            .append("apiKey", backup.getString("apiKey"))
            .append("status", "healthy")
            .append("tokensUsed", 0)
            .append("requestsCount", 0)
            .append("createdAt", new Date()));
    for (var binding : moved) binding.put("factoryKeyId", backup.getString("_id"));
    if (!moved.isEmpty()) bindings.insertMany(moved);
    return answer("rotated").append("replacement", backup.getString("_id"));
  }

  static Document answer(String outcome) {
    return new Document("outcome", outcome);
  }

  public static void main(String[] arguments) throws Exception {
    try (var client = MongoClients.create(System.getenv("MONGODB_URI"))) {
      var db = client.getDatabase(System.getenv("ROTATION_DATABASE"));
      var lines = new BufferedReader(new InputStreamReader(System.in));
      for (var line = lines.readLine(); line != null; line = lines.readLine()) {
        var call = Document.parse(line);
        Document told;
        try {
          told = rotate(db, call.getString("key"));
        } catch (RuntimeException error) {
          told = answer("error").append("text", String.valueOf(error.getMessage()));
        }
        System.out.println(told.append("id", call.getInteger("id")).toJson());
      }
    }
  }
}
