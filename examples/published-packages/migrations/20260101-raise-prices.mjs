/** @param {import('mongodb').Db} db */
export const up = (db) => db.collection('albums').updateMany({}, { $inc: { price: 5 } });
