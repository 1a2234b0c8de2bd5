import { registerHooks } from 'node:module';

/* Loaded before a program (`--import`): every import of the driver is one of DRIVER, an alias such as `mongodb6`. */

const driver = process.env['DRIVER'] ?? 'mongodb';
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'mongodb' ? next(driver, { ...context, parentURL: import.meta.url }) : next(specifier, context),
});
