// Loaded before every script (`node --import`), as plain JavaScript, so that an old Node can read it too.
const needed = [22, 19];
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < needed[0] || (major === needed[0] && minor < needed[1])) {
  console.error(
    `clb-direct needs Node ${needed.join('.')} or later, and this is ${process.versions.node}: run \`npm ci\` and start ` +
      'scripts with `npm run`, which brings its own Node 24 (if npm blocked install scripts: `npm rebuild node`).',
  );
  process.exit(2);
}
