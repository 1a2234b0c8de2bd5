import { RotationError } from './errors.ts';
import { KEY_FIELDS, checkFailureRules, marksOf } from './failures.ts';
import { BSON_TYPE_OF, type IdKind } from './ids.ts';
import {
  archiveOf,
  BACKUP_FIELDS,
  brakeOf,
  idKindOf,
  maxOlderFlowMsOf,
  newKeyOf,
  setAsideFieldsOf,
  type AnyPool,
  type Pool,
} from './pool.ts';
import { isPlainObject } from './type-tag.ts';

/** The options of a pool, and of its parts. Others are refused: `secretids` would let ids get out. */
const OPTIONS: Readonly<Record<keyof Pool, true>> = {
  name: true,
  collections: true,
  idKind: true,
  secretIds: true,
  bindingKeyField: true,
  ownBindings: true,
  movedBindingFields: true,
  newKey: true,
  replacedKeyField: true,
  usedBackup: true,
  restoredBackup: true,
  eligible: true,
  order: true,
  setAsideFields: true,
  retirement: true,
  keptStatuses: true,
  maxOlderFlowMs: true,
  brake: true,
  failures: true,
};
const COLLECTION_OPTIONS = ['keys', 'backups', 'bindings'];
const BRAKE_OPTIONS = ['maxRotations', 'perMs'];
const SET_ASIDE_OPTIONS = ['at', 'reason'];
const ARCHIVE_OPTIONS = ['collection', 'deletedBy'];
const FAILURE_OPTIONS = ['rules', 'coolDownMs', 'marks'];
const MARK_OPTIONS = ['coolDownField', 'statusField', 'lastErrorField', 'statuses', 'exhaustedMs'];
const RETIREMENT_OPTIONS = { delete: ['kind', 'archive'], keep: ['kind', 'status'] } as const;

/**
 * Checks a pool and returns a frozen copy.
 *
 * @throws RotationError `invalid-argument` that names the option: there is no such option, a name is empty, two collections are the same, a field is
 * named that rotations need for themselves, a value is not one that a document can get, or a rule of `failures` can't be meant so.
 */
export function definePool<const Kind extends IdKind = 'string'>(pool: Pool<Kind>): Pool<Kind> {
  expectOptions('', pool, Object.keys(OPTIONS));
  expectOptions('collections', pool.collections, COLLECTION_OPTIONS);
  expectOptions('failures', pool.failures, FAILURE_OPTIONS);
  expectOptions('failures.marks', pool.failures.marks ?? {}, MARK_OPTIONS);
  expectRetirement(pool);
  expectNames(pool);
  expectBindingFields(pool);
  expectWrittenFields(pool);
  expectAskedFields(pool);
  expectSetAsideFields(pool);
  expectBrake(pool);
  expectPlainOptions(pool);
  checkFailureRules(pool.failures);
  return Object.freeze({ ...pool, collections: Object.freeze({ ...pool.collections }) });
}

function refuse(option: string, fault: string): never {
  throw new RotationError('invalid-argument', `Pool ${option}: ${fault}`);
}

/** @param option empty for the pool itself */
function expectOptions(option: string, value: unknown, known: readonly string[]): void {
  if (!isPlainObject(value)) refuse(option === '' ? 'definition' : option, 'expected an object');
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) refuse(option === '' ? unknown : `${option}.${unknown}`, 'there is no such option');
}

function expectRetirement({ retirement }: AnyPool): void {
  const known = isPlainObject(retirement) ? RETIREMENT_OPTIONS[retirement.kind] : undefined;
  if (known === undefined) refuse('retirement', "expected an object of the kind 'delete' or 'keep'");
  expectOptions('retirement', retirement, known);
  if (retirement.kind === 'keep') {
    const { status } = retirement;
    for (const reason of ['exhausted', 'auth-error'] as const)
      if (!isName(isPlainObject(status) ? status[reason] : undefined))
        refuse(`retirement.status.${reason}`, 'expected a non-empty string');
  } else if (typeof retirement.archive === 'object')
    expectOptions('retirement.archive', retirement.archive, ARCHIVE_OPTIONS);
}

const isName = (value: unknown): value is string => typeof value === 'string' && value !== '';

function expectNames(pool: AnyPool): void {
  const { keys, backups, bindings } = pool.collections;
  const archive = archiveOf(pool);
  const recorded = pool.retirement.kind === 'delete' ? pool.retirement.archive : undefined;
  const names = {
    name: pool.name,
    'collections.keys': keys,
    'collections.backups': backups,
    'collections.bindings': bindings,
    bindingKeyField: pool.bindingKeyField,
    ...(recorded === undefined ? {} : { 'retirement.archive': archive }),
    ...(typeof recorded === 'object' ? { 'retirement.archive.deletedBy': recorded.deletedBy } : {}),
  };
  for (const [option, value] of Object.entries(names))
    if (!isName(value)) refuse(option, 'expected a non-empty string');
  const collections = [keys, backups, bindings, ...(archive === undefined ? [] : [archive])];
  if (new Set(collections).size !== collections.length)
    refuse(pool.name, 'keys, backups, bindings and archive must differ');
}

/** Names of fields, as they can be written into a document. */
const PLAIN_NAME = /^[^.$]+$/;
/** Paths of fields, as they can be written by an update. */
const PATH = /^[^.$]+(\.[^.$]+)*$/;

function expectPlainName(option: string, name: unknown): void {
  if (typeof name !== 'string' || !PLAIN_NAME.test(name)) refuse(option, 'expected a field name without "." and "$"');
}

/** @param reserved the fields that rotations need for themselves */
function expectNotReserved(option: string, name: string, reserved: readonly string[]): void {
  const [first = name] = name.split('.');
  if (reserved.includes(first)) refuse(option, `${name} is a field that rotations need; leave it out`);
}

function expectBindingFields({ bindingKeyField, ownBindings, movedBindingFields = [] }: AnyPool): void {
  expectPlainName('bindingKeyField', bindingKeyField);
  expectNotReserved('bindingKeyField', bindingKeyField, ['_id', 'proxyId']);
  const reserved = ['_id', 'proxyId', bindingKeyField];
  expectValues('ownBindings', ownBindings, PLAIN_NAME, reserved);
  if (!Array.isArray(movedBindingFields)) refuse('movedBindingFields', 'expected a list of field names');
  for (const name of movedBindingFields) {
    expectPlainName('movedBindingFields', name);
    expectNotReserved('movedBindingFields', name, [...reserved, ...Object.keys(ownBindings ?? {})]);
  }
}

/** Fields of a use that may have a value in a free backup. */
const FREE_VALUES: readonly string[] = ['usedFor', 'usedAt'];

function expectWrittenFields(pool: AnyPool): void {
  expectValues('newKey', pool.newKey, PLAIN_NAME, KEY_FIELDS);
  const { usedAt, usedFor, ...restored } = pool.restoredBackup ?? {};
  expectValues('usedBackup', pool.usedBackup, PATH, BACKUP_FIELDS);
  expectValues(
    'restoredBackup',
    pool.restoredBackup,
    PATH,
    BACKUP_FIELDS.filter((name) => !FREE_VALUES.includes(name)),
  );
  expectValues('restoredBackup', restored, PATH, FREE_VALUES);
  for (const option of ['usedBackup', 'restoredBackup'] as const)
    expectSeparatePaths(option, Object.keys(pool[option] ?? {}));
  const { replacedKeyField } = pool;
  if (replacedKeyField === undefined) return;
  const { coolDownField, statusField, lastErrorField } = marksOf(pool.failures);
  expectPlainName('replacedKeyField', replacedKeyField);
  expectNotReserved('replacedKeyField', replacedKeyField, [
    ...KEY_FIELDS,
    ...Object.keys(newKeyOf(pool)),
    coolDownField,
    statusField,
    lastErrorField,
  ]);
}

/** An operator for a value would be an update or a filter of its own: `{ $ne: 'b' }` in `ownBindings` would match the bindings of all others. */
function expectValues(option: string, values: unknown, names: RegExp, reserved: readonly string[]): void {
  if (values === undefined) return;
  if (!isPlainObject(values)) refuse(option, 'expected an object of fields and values');
  for (const [name, value] of Object.entries(values)) {
    if (!names.test(name))
      refuse(option, `expected field names without "$"${names === PLAIN_NAME ? ' and "."' : ''}, got ${name}`);
    expectNotReserved(option, name, reserved);
    if (value !== null && !['string', 'number', 'boolean'].includes(typeof value))
      refuse(`${option}.${name}`, 'expected a string, a number, a boolean or null');
  }
}

/** MongoDB refuses an update of a field and of a part of it. */
function expectSeparatePaths(option: string, paths: readonly string[]): void {
  for (const path of paths) {
    const whole = paths.find((other) => path.startsWith(`${other}.`));
    if (whole !== undefined) refuse(option, `${path} is a part of ${whole}; name one of them`);
  }
}

function expectAskedFields({ eligible, order }: AnyPool): void {
  for (const [option, fields] of Object.entries({ eligible, order })) {
    if (fields === undefined) continue;
    if (!isPlainObject(fields)) refuse(option, 'expected an object of fields');
    for (const [name, value] of Object.entries(fields)) {
      expectNotReserved(option, name, ['_id', 'isUsed']);
      if (value === undefined) refuse(`${option}.${name}`, 'expected a value');
    }
  }
  const direction = Object.entries(order ?? {}).find(([, value]) => value !== 1 && value !== -1);
  if (direction !== undefined) refuse(`order.${direction[0]}`, 'expected 1 or -1');
}

/** Fields of keys and backups that services write. */
const SERVICE_FIELDS = ['activated', 'status', 'tokensUsed', 'requestsCount'];
/** Options of a pool that write fields of a backup, or ask for them, beside the set-aside fields. */
const OTHER_BACKUP_OPTIONS = ['usedBackup', 'restoredBackup', 'eligible', 'order'] as const;

function expectSetAsideFields(pool: AnyPool): void {
  if (pool.setAsideFields !== undefined) expectOptions('setAsideFields', pool.setAsideFields, SET_ASIDE_OPTIONS);
  const { at, reason } = setAsideFieldsOf(pool);
  for (const [place, name] of Object.entries({ at, reason })) {
    const option = `setAsideFields.${place}`;
    expectPlainName(option, name);
    if ([...BACKUP_FIELDS, ...KEY_FIELDS, ...SERVICE_FIELDS].includes(name))
      refuse(option, `expected a field of its own, and ${name} is one that services or rotations write`);
    const other = OTHER_BACKUP_OPTIONS.find((each) =>
      Object.keys(pool[each] ?? {}).some((path) => path.split('.')[0] === name),
    );
    if (other !== undefined) refuse(option, `expected a field of its own, and ${name} is in ${other}`);
  }
  if (at === reason) refuse('setAsideFields.reason', 'expected another field than setAsideFields.at');
}

function expectBrake(pool: AnyPool): void {
  const brake = brakeOf(pool);
  if (brake === false) return;
  expectOptions('brake', brake, BRAKE_OPTIONS);
  const { maxRotations, perMs } = brake;
  if (!Number.isSafeInteger(maxRotations) || maxRotations < 1 || maxRotations > 1_000)
    refuse('brake.maxRotations', 'expected a whole number from 1 to 1,000');
  if (!Number.isSafeInteger(perMs) || perMs < 1_000) refuse('brake.perMs', 'expected a whole number from 1,000 up');
}

function expectPlainOptions(pool: AnyPool): void {
  const maxMs = maxOlderFlowMsOf(pool);
  if (!Number.isSafeInteger(maxMs) || maxMs < 0) refuse('maxOlderFlowMs', 'expected a whole number from 0 up');
  const kind: string = idKindOf(pool);
  if (!Object.hasOwn(BSON_TYPE_OF, kind))
    refuse('idKind', `expected ${Object.keys(BSON_TYPE_OF).join(', ')}, got ${kind}`);
  const { secretIds, keptStatuses } = pool;
  if (secretIds !== undefined && typeof secretIds !== 'boolean') refuse('secretIds', 'expected true or false');
  if (keptStatuses !== undefined && !(Array.isArray(keptStatuses) && keptStatuses.every(isName)))
    refuse('keptStatuses', 'expected a list of statuses');
}
