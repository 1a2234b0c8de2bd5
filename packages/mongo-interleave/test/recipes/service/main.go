package main

import (
	"context"
	"encoding/json"
	"os"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
)

func main() {
	ctx := context.Background()
	client, err := mongo.Connect(ctx, options.Client().ApplyURI(os.Args[1]))
	if err != nil {
		panic(err)
	}
	defer client.Disconnect(ctx)
	coupons := client.Database(os.Args[2]).Collection("coupons")
	var coupon bson.M
	err = coupons.FindOne(ctx, bson.M{"used": false}).Decode(&coupon)
	if err != nil && err != mongo.ErrNoDocuments {
		panic(err)
	}
	if err == nil {
		change := bson.M{"$set": bson.M{"used": true}}
		if _, err := coupons.UpdateOne(ctx, bson.M{"_id": coupon["_id"]}, change); err != nil {
			panic(err)
		}
	}
	json.NewEncoder(os.Stdout).Encode(err == nil)
}
