/**
 * Glance's rule names with the checks of its new defaults, for the verbs that exist here. An operator's file replaces
 * them name by name.
 */
const ADMIN = 'rule:context_is_admin';
const OWN = 'project_id:%(project_id)s';
const OWNS = 'project_id:%(owner)s';
const MEMBER_OF = 'project_id:%(member_id)s';
const SEE = `(${OWN} or ${MEMBER_OF} or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s)`;
const OWNING_MEMBER = `${ADMIN} or (role:member and ${OWN})`;

export const DEFAULT_RULES = {
	context_is_admin: 'role:admin',
	add_image: `${ADMIN} or (role:member and ${OWN} and ${OWNS})`,
	delete_image: OWNING_MEMBER,
	get_image: `${ADMIN} or (role:reader and ${SEE})`,
	get_images: `${ADMIN} or (role:reader and ${OWN})`,
	modify_image: OWNING_MEMBER,
	publicize_image: ADMIN,
	communitize_image: OWNING_MEMBER,
	download_image: `${ADMIN} or (role:member and ${SEE})`,
	upload_image: OWNING_MEMBER,
	add_member: OWNING_MEMBER,
	delete_member: OWNING_MEMBER,
	get_member: `${ADMIN} or role:reader and (${OWN} or ${MEMBER_OF})`,
	get_members: `${ADMIN} or role:reader and (${OWN} or ${MEMBER_OF})`,
	modify_member: `${ADMIN} or (role:member and ${MEMBER_OF})`,
	deactivate: OWNING_MEMBER,
	reactivate: OWNING_MEMBER,
} as const satisfies Readonly<Record<string, string>>;
