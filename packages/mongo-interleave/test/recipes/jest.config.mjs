/* The package's sources are TypeScript here; as published they are JavaScript, and need no transform. */
export default {
  rootDir: '.',
  testMatch: ['**/*.jest.mjs'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': './strip-types.mjs' },
};
