/** Takes the one coupon that was free when it looked. */
export async function flow(_client, db) {
  const coupons = db.collection('coupons');
  const free = await coupons.findOne({ used: false });
  if (free === null) return 'none';
  await coupons.updateOne({ _id: free._id }, { $set: { used: true } });
  return free._id;
}
