/** What is kept and shown of locations that Glance has written with its credentials in them. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { bareLocation as bareS3 } from '#store/drivers/s3/locations.ts';
import { bareLocation as bareSwift } from '#store/drivers/swift/locations.ts';

it('an S3 location loses its credentials', () => {
	const bare = 's3+https://host:8080/bucket/id';
	assert.equal(bareS3('s3+https://access:secret@host:8080/bucket/id'), bare);
	assert.equal(bareS3('s3+https://access:se/cret@with@signs@host:8080/bucket/id'), bare);
	for (const as of [bare, 's3://', 'no location', '']) assert.equal(bareS3(as), as);
});

it('a Swift location keeps the project alone', () => {
	const bare = 'swift+http://test@host:8080/auth/v1.0/glance/id';
	assert.equal(bareSwift('swift+http://test%3Atester:secret@host:8080/auth/v1.0/glance/id'), bare);
	assert.equal(bareSwift('swift+http://test:tester:sec@ret@host:8080/auth/v1.0/glance/id'), bare);
	assert.equal(bareSwift('swift://a%2Fb%3Auser:secret@host/v3/glance/odd@name'), 'swift://a%2Fb@host/v3/glance/odd@name');
	const others = ['swift+config://ref1/glance/id', 'swift+https://host/v1/AUTH_1f/glance/id', 'swift://%zz:key@host/c/o', 'odd'];
	for (const as of [bare, ...others]) assert.equal(bareSwift(as), as);
});
