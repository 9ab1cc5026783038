/**
 * Loaded before a container's program: ends the process when the sandbox that started it is gone, however it ended,
 * so that nothing is left behind.
 */
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.channel?.unref();
