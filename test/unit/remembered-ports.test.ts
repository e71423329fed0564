import assert from 'node:assert/strict';
import { it } from 'node:test';
import { withRememberedPorts } from '#exchange/remembered-ports.ts';

const announced = ['/ip4/127.0.0.1/tcp/4001', '/ip6/::1/tcp/4002'];

it('a port that the system picked is asked for again', () => {
	assert.deepEqual(withRememberedPorts(['/ip4/127.0.0.1/tcp/0', '/ip6/::1/tcp/0'], announced), announced);
});

it('a port that was chosen, and a host that was never announced, stay as they are', () => {
	assert.equal(withRememberedPorts(['/ip4/127.0.0.1/tcp/5001'], announced), undefined);
	assert.equal(withRememberedPorts(['/ip4/192.0.2.1/tcp/0'], announced), undefined);
	assert.equal(withRememberedPorts(['/ip4/127.0.0.1/tcp/0'], []), undefined);
	assert.equal(withRememberedPorts(['/ip4/127.0.0.1/tcp/0'], ['/ip4/127.0.0.1/tcp/4001/ws']), undefined);
});

it('two listeners of one host get two ports', () => {
	const both = ['/ip4/127.0.0.1/tcp/4001', '/ip4/127.0.0.1/tcp/4002'];
	assert.deepEqual(withRememberedPorts(['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0'], both), both);
});
