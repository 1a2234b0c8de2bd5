import type { Db, Document } from 'mongodb';

/**
 * Makes commands of one appName fail, on the server, while `during` runs; switched off in any case. The server has one
 * fail point of this name, so only one test file may use it.
 */
export async function withFailCommand<T>(
  db: Db,
  mode: 'alwaysOn' | { readonly times: number },
  data: Document & { readonly appName: string },
  during: () => Promise<T>,
): Promise<T> {
  const admin = db.client.db('admin');
  await admin.command({ configureFailPoint: 'failCommand', mode, data });
  try {
    return await during();
  } finally {
    await admin.command({ configureFailPoint: 'failCommand', mode: 'off' });
  }
}
