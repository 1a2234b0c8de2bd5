/* Driver 3 comes without types. */
declare module 'mongodb3' {
  export { MongoClient } from 'mongodb4';
}
