export { default } from '../seats-system.ts';
