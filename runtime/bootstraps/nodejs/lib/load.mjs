// From _HANDLER to a function: "index.handler", "src/app.api.get", "/opt/x.handler".
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { HandlerNotFound, ImportModuleError, MalformedHandlerName, UserCodeSyntaxError } from './errors.mjs';

const require = createRequire(import.meta.url);
const importFile = async (file) => (fs.existsSync(file) ? import(pathToFileURL(file).href) : undefined);
const requireFile = (file) => (fs.existsSync(file) && fs.statSync(file).isFile() ? require(file) : undefined);

// Does the nearest package.json say that .js files are modules?
function isModuleFolder(folder) {
  if (folder.endsWith('/node_modules')) return false;
  const file = path.join(folder, 'package.json');
  if (fs.existsSync(file)) {
    try {
      return JSON.parse(fs.readFileSync(file, 'utf8'))?.type === 'module';
    } catch (error) {
      console.warn(`${file} cannot be read, it will be ignored for ES module detection purposes.`, error);
      return false;
    }
  }
  return folder !== '/' && isModuleFolder(path.dirname(folder));
}

async function load(root, folder, name) {
  const file = path.resolve(root, folder, name);
  const plain = requireFile(file);
  if (plain) return plain;
  const isModule = fs.existsSync(`${file}.js`) && isModuleFolder(path.dirname(file));
  const loaded = (isModule ? await importFile(`${file}.js`) : requireFile(`${file}.js`)) ??
    (await importFile(`${file}.mjs`)) ?? requireFile(`${file}.cjs`);
  return loaded ?? require(require.resolve(name, { paths: [root, folder] }));
}

export async function loadHandler(root, name) {
  if (name.includes('..')) {
    throw new MalformedHandlerName(`'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  }
  const last = path.basename(name);
  const match = /^([^.]*)\.(.*)$/.exec(last);
  if (!match) throw new MalformedHandlerName('Bad handler');
  let loaded;
  try {
    loaded = await load(root, name.slice(0, name.indexOf(last)), match[1]);
  } catch (error) {
    if (error instanceof SyntaxError) throw new UserCodeSyntaxError(error);
    if (error?.code === 'MODULE_NOT_FOUND') throw new ImportModuleError(error);
    throw error;
  }
  const walk = (from) => match[2].split('.').reduce((at, key) => at?.[key], from);
  const handler = walk(loaded) ?? walk(loaded.default);
  if (!handler) throw new HandlerNotFound(`${name} is undefined or not exported`);
  if (typeof handler !== 'function') throw new HandlerNotFound(`${name} is not a function`);
  return handler;
}
