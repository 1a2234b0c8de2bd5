/** An environment variable of a system: `JOBS_MAX_DURATION` for the system `jobs` and the option `max-duration`. */
export const environmentName = (system: string, option: string): string =>
  `${system}_${option}`.replaceAll('-', '_').toUpperCase();
