/** Images written into Glance's database as an upload leaves them there, like those of peers/seed-catalogue.ts. */

const DISTROS = ['debian', 'ubuntu', 'fedora', 'rocky', 'alpine', 'opensuse', 'freebsd', 'windows'];
const DISK_FORMATS = ['qcow2', 'raw', 'iso', 'vmdk'];
const TAGS = ['nightly', 'stable', 'gpu', 'minimal', 'hardened'];
const PROJECTS = 50;

/** One of them, by the `at`-th pair of hex digits of the row's hash. */
const pick = (choices: readonly string[], at: number) =>
	`ELT(1 + ${byte(at)} % ${choices.length}, ${choices.map((choice) => `'${choice}'`).join(', ')})`;
const byte = (at: number) => `CONV(SUBSTR(h, ${1 + 2 * at}, 2), 16, 10)`;
const UUID = `CONCAT_WS('-', SUBSTR(h, 1, 8), SUBSTR(h, 9, 4), CONCAT('4', SUBSTR(h, 13, 3)), CONCAT('8', SUBSTR(h, 16, 3)), SUBSTR(h, 19, 12))`;

/** For MariaDB, whose sequences are tables of numbers. */
export function imagesSql(count: number): string {
	const rows = `(SELECT seq, MD5(seq) AS h FROM seq_1_to_${count}) AS numbers`;
	const when = `NOW() - INTERVAL (${count} - seq) SECOND`;
	const property = (name: string, value: string) => `
INSERT INTO image_properties (image_id, name, value, created_at, updated_at, deleted)
SELECT ${UUID}, '${name}', ${value}, ${when}, ${when}, 0 FROM ${rows};`;
	const tag = (value: string, at: number) => `
INSERT INTO image_tags (image_id, value, created_at, updated_at, deleted)
SELECT ${UUID}, '${value}', ${when}, ${when}, 0 FROM ${rows} WHERE ${byte(at)} < 51;`;
	return `
INSERT INTO images (id, name, size, status, created_at, updated_at, deleted, disk_format, container_format, checksum, owner,
	min_disk, min_ram, protected, visibility, os_hidden, os_hash_algo, os_hash_value)
SELECT ${UUID}, CONCAT(${pick(DISTROS, 0)}, '-', 8 + ${byte(1)} % 19, '.', ${byte(2)} % 11, '-', seq), 1000 * (1 + ${byte(3)} % 64), 'active',
	${when}, ${when}, 0, ${pick(DISK_FORMATS, 4)}, 'bare', h, MD5(${byte(5)} % ${PROJECTS}), ${byte(6)} % 41, 16 * ${byte(7)}, 0,
	IF(${byte(8)} < 77, 'public', 'shared'), 0, 'sha512', SHA2(h, 512) FROM ${rows};
INSERT INTO image_locations (image_id, value, created_at, updated_at, deleted, meta_data, status)
SELECT ${UUID}, CONCAT('file:///var/lib/glance/images/', ${UUID}), ${when}, ${when}, 0, '{"store": "fast"}', 'active' FROM ${rows};
${property('os_distro', pick(DISTROS, 0))}
${property('os_version', `8 + ${byte(1)} % 19`)}
${property('architecture', "'x86_64'")}
${property('hw_disk_bus', "'virtio'")}
${TAGS.map((value, at) => tag(value, 9 + at)).join('\n')}
ANALYZE TABLE images, image_properties, image_tags, image_locations;
`;
}
