// The checked-claim flow in Go, as pnpm stress --exec runs it. It is wrong: see README.md at the root.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

var ctx = context.Background()

// An answer has an outcome; the other fields are left out where they are empty.
type answer struct {
	ID          int    `json:"id"`
	Outcome     string `json:"outcome"`
	Replacement string `json:"replacement,omitempty"`
	Text        string `json:"text,omitempty"`
}

func rotate(db *mongo.Database, key string) (answer, error) {
	keys, backups, bindings := db.Collection("factory_keys"), db.Collection("backup_keys"), db.Collection("proxy_key_bindings")
	err := keys.FindOne(ctx, bson.D{{"_id", key}}).Err()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return answer{Outcome: "already-rotated"}, nil
	} else if err != nil {
		return answer{}, err
	}
	var backup struct {
		ID     string `bson:"_id"`
		APIKey string `bson:"apiKey"`
	}
	used := bson.D{{"$set", bson.D{{"isUsed", true}, {"usedAt", time.Now()}, {"usedFor", key}}}}
	err = backups.FindOneAndUpdate(ctx, bson.D{{"isUsed", false}}, used).Decode(&backup)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return answer{Outcome: "no-backup"}, nil
	} else if err != nil {
		return answer{}, err
	}
	bound := bson.D{{"factoryKeyId", key}}
	var moved []bson.M
	cursor, err := bindings.Find(ctx, bound)
	if err != nil {
		return answer{}, err
	}
	if err := cursor.All(ctx, &moved); err != nil {
		return answer{}, err
	}
	if _, err := bindings.DeleteMany(ctx, bound); err != nil {
		return answer{}, err
	}
	deleted, err := keys.DeleteOne(ctx, bson.D{{"_id", key}})
	if err != nil {
		return answer{}, err
	}
	if deleted.DeletedCount == 0 {
		return answer{Outcome: "already-rotated"}, nil // somebody was faster, and the backup is lost
	}
	fresh := bson.D{{"_id", backup.ID}, {"apiKey", backup.APIKey}, {"status", "healthy"},
		{"tokensUsed", 0}, {"requestsCount", 0}, {"createdAt", time.Now()}}
	if _, err := keys.InsertOne(ctx, fresh); err != nil {
		return answer{}, err
	}
	for _, binding := range moved {
		binding["factoryKeyId"] = backup.ID
	}
	if len(moved) > 0 {
		if _, err := bindings.InsertMany(ctx, moved); err != nil {
			return answer{}, err
		}
	}
	return answer{Outcome: "rotated", Replacement: backup.ID}, nil
}

func main() {
	client, err := mongo.Connect(options.Client().ApplyURI(os.Getenv("MONGODB_URI")))
	if err != nil {
		log.Fatal(err)
	}
	db := client.Database(os.Getenv("ROTATION_DATABASE"))
	lines, answers := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var call struct {
			ID  int    `json:"id"`
			Key string `json:"key"`
		}
		if err := json.Unmarshal(lines.Bytes(), &call); err != nil {
			log.Fatal(err)
		}
		told, err := rotate(db, call.Key)
		if err != nil {
			told = answer{Outcome: "error", Text: err.Error()}
		}
		told.ID = call.ID
		if err := answers.Encode(told); err != nil {
			log.Fatal(err)
		}
	}
}
