import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from './picture-page.ts';

const BROWSER = 'chromium';
const LIMIT_MS = 60_000;

/** Undefined when the machine has a browser, else what to do. */
export function missingBrowser(): string | undefined {
  const found = spawnSync(BROWSER, ['--version'], { stdio: 'ignore' });
  return found.status === 0 ? undefined : 'there is no browser to draw with: apt-get install chromium';
}

/** Draws the page into a PNG file. @throws Error when the browser fails. */
export function drawPicture({ html, width, height }: Page, file: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'clb-direct-picture-'));
  try {
    const page = join(folder, 'page.html');
    writeFileSync(page, html);
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', `--user-data-dir=${folder}`];
    const drawn = spawnSync(
      BROWSER,
      [...flags, `--window-size=${width},${height}`, `--screenshot=${file}`, `file://${page}`],
      { timeout: LIMIT_MS, encoding: 'utf8' },
    );
    if (drawn.status !== 0) throw new Error(`${BROWSER} drew nothing: ${drawn.stderr}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
