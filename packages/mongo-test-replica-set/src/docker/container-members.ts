import type { StartedTestContainer } from 'testcontainers';
import { mongodArguments, REPLICA_SET_NAME } from '../mongod-arguments.ts';
import { ReplicaSetError } from '../replica-set-error.ts';
import type { Member, MemberControl } from '../replica-set.ts';
import type { Settings } from '../settings.ts';
import { CONTAINER_DATA_FOLDER } from './members-container.ts';

/** A killed process is looked for every 50 ms, at most so often. */
const MAX_EXIT_POLLS = 200;

/** Launches, kills, freezes and thaws mongods in the container. */
export function controlContainerMembers(container: StartedTestContainer, settings: Settings): MemberControl {
  return {
    restart: async (member) => {
      const folder = folderOf(member);
      await run(container, ['mkdir', '-p', folder]);
      const mongod = ['mongod', '--fork', '--logpath', `${folder}/mongod.log`, '--logappend', '--dbpath', folder];
      const network = ['--port', String(member.port), '--bind_ip_all', '--replSet', REPLICA_SET_NAME];
      // With --fork the command ends when the member listens.
      await run(container, [...mongod, ...network, ...mongodArguments(settings)]);
    },
    freeze: (member) => run(container, ['sh', '-c', `kill -STOP $(cat ${lockOf(member)})`]),
    thaw: (member) => run(container, ['sh', '-c', `kill -CONT $(cat ${lockOf(member)})`]),
    endOf: async (member) => {
      const { exitCode } = await container.exec(['sh', '-c', `pid=$(cat ${lockOf(member)}) && [ -d /proc/$pid ]`]);
      return exitCode === 0 ? undefined : 'for an unknown reason';
    },
    kill: async (member) => {
      const gone = `n=0; while [ -d /proc/$pid ] && [ $n -lt ${MAX_EXIT_POLLS} ]; do n=$((n+1)); sleep 0.05; done`;
      const script = `pid=$(cat ${lockOf(member)}); kill -9 $pid; ${gone}; [ ! -d /proc/$pid ]`;
      await run(container, ['sh', '-c', script]);
    },
  };
}

function folderOf(member: Member): string {
  return `${CONTAINER_DATA_FOLDER}/member-${member.index}`;
}

/** A running mongod writes its pid there. */
const lockOf = (member: Member): string => `${folderOf(member)}/mongod.lock`;

async function run(container: StartedTestContainer, command: string[]): Promise<void> {
  const { exitCode, output } = await container.exec(command);
  if (exitCode !== 0) {
    const lines = output.trim().split('\n');
    throw new ReplicaSetError(
      'start-failed',
      `${command[0]} failed in the container with exit code ${exitCode}: ${lines.at(-1)}`,
    );
  }
}
