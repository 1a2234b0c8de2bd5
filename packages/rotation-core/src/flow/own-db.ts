import type { Db, DbOptions, ReadConcern } from 'mongodb';

/** Values are read as this package's types say, whatever the options of the service's client are. */
const VALUES: DbOptions = {
  promoteValues: true,
  promoteLongs: true,
  promoteBuffers: false,
  useBigInt64: false,
  raw: false,
  fieldsAsRaw: {},
};

/** The same database with the options that rotations count on: the primary is read and written, with majority. */
export const openOwnDb = (db: Db): Db =>
  db.client.db(db.databaseName, {
    ...VALUES,
    readPreference: 'primary',
    readConcern: { level: 'majority' } as ReadConcern,
    writeConcern: { w: 'majority' },
  });

/** For commands about the server, of which the primary is asked: a secondary does not know of the primary's transactions. */
export const openAdminDb = ({ client }: Db): Db =>
  client.db('admin', { ...VALUES, readPreference: 'primary', readConcern: { level: 'local' } as ReadConcern });
