/*
 * The layout of the repository as data, from the top down: a room imports from itself and from rooms below it, types included.
 * Rooms in one line are neighbours, which do not know each other.
 */

export interface PackageLayout {
  /** The package's name. */
  readonly name: string;
  /** Its folder of sources, from the repository's root. */
  readonly source: string;
  /** From the top down; a room is a folder, or files of the top folder by their names. */
  readonly rooms: readonly (readonly string[])[];
}

/** Files of the top folder, as a room. */
const files = (...names: readonly string[]): string => names.map((name) => `${name}.ts`).join(', ');

/** From the top down; packages in one line are neighbours. */
export const PACKAGES: readonly (readonly PackageLayout[])[] = [
  [
    {
      name: 'stress',
      source: 'stress/src',
      rooms: [
        [files('main', 'rotation-system')],
        ['checker', 'pool'],
        ['scenarios', 'flows'],
        [files('deployments')],
        ['model'],
      ],
    },
    {
      name: 'examples',
      source: 'examples',
      rooms: [['own-system', 'published-packages', 'service', files('quick-look')]],
    },
  ],
  [
    {
      name: 'mongo-harness',
      source: 'packages/mongo-harness/src',
      rooms: [
        [files('index', 'testing')],
        ['cli'],
        ['detect'],
        ['storm', 'explore'],
        ['nemesis', 'database'],
        ['report'],
        ['trial'],
        ['exec'],
        ['history'],
        ['system', 'order'],
      ],
    },
    { name: 'keypool', source: 'packages/keypool/src', rooms: [[files('index')]] },
    { name: 'openhands', source: 'packages/openhands/src', rooms: [[files('index')]] },
    { name: 'openhandspool', source: 'packages/openhandspool/src', rooms: [[files('index')]] },
  ],
  [
    {
      name: 'mongo-interleave',
      source: 'packages/mongo-interleave/src',
      rooms: [
        [files('index', 'fast-check')],
        [files('interleave')],
        ['strategy'],
        ['run'],
        ['schedule'],
        ['footprint'],
        ['gate'],
        [files('check-option')],
        [files('interleave-error')],
      ],
    },
    {
      name: 'mongo-test-replica-set',
      source: 'packages/mongo-test-replica-set/src',
      rooms: [
        [files('index')],
        [files('start-replica-set')],
        ['providers', files('started-set', 'step-down')],
        [
          'docker',
          files('local-deployment', 'local-member', 'mongod-binary', 'cache-folder', 'data-folder', 'run-tool'),
        ],
        [
          files('ask', 'bounded', 'free-ports', 'initiate', 'last-resort', 'mongod-arguments', 'owner'),
          files('own-database'),
        ],
        [files('settings', 'replica-set', 'replica-set-error')],
      ],
    },
    {
      name: 'rotation-core',
      source: 'packages/rotation-core/src',
      rooms: [
        [files('index', 'testing')],
        ['verbs'],
        ['flow'],
        ['queue'],
        [
          files(
            'options',
            'documents',
            'indexes',
            'classify-failure',
            'failure-presets',
            'rotation',
            'events',
            'outcomes',
            'verify',
          ),
        ],
        [files('pool', 'define-pool', 'secret-texts')],
        [files('failures', 'ids')],
        ['upstream'],
        [files('errors', 'type-tag')],
      ],
    },
  ],
];
