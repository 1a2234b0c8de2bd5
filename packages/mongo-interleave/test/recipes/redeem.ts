import { MongoClient } from 'mongodb';

const [uri = '', database = ''] = process.argv.slice(2);
const mongo = new MongoClient(uri);
const coupons = mongo.db(database).collection('coupons');
const coupon = await coupons.findOne({ used: false });
if (coupon !== null) await coupons.updateOne({ _id: coupon._id }, { $set: { used: true } });
process.stdout.write(JSON.stringify(coupon !== null));
await mongo.close();
