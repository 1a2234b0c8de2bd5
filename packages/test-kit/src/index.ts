export { createTestDatabaseName, openTestDatabase, type TestDatabase } from './test-database.ts';
export { exploringSet, oneMemberSet, type OneMemberSet } from './sets.ts';
export { CommandLine, type Ended, type RunningCommand } from './command-line.ts';
export { startOwnMongod, type OwnMongod } from './own-mongod.ts';
export { childrenOf, isAlive, processesWith, until } from './processes.ts';
export { openPage, snippetsOf, type Page } from './snippets.ts';
export { createStore, type StoreFolder } from './store-folder.ts';
export { LANGUAGES, prepareExample, preparePython, type Language, type Toolchain } from './toolchains.ts';
