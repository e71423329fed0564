/**
 * What people type, in the order in which they type it. A line is `person command…`; behind `<` stands what the command
 * finds on its standard input, else that is a terminal. `$name` is a value that both servers share
 * (differential/values.ts), `$dir` a folder that each server's client has for itself. `wait person command…` is typed again
 * and again until no import goes on with the image that it shows.
 */
export interface Session {
	readonly title: string;
	/** rows of features.ts */
	readonly rows: readonly number[];
	readonly lines: readonly string[];
}

function session(title: string, rows: readonly number[], text: string): Session {
	const lines = text.split('\n').map((line) => line.trim());
	return { title, rows, lines: lines.filter((line) => line !== '') };
}

const openstack: readonly Session[] = [
	session(
		'openstack image: create, show, set, unset, delete',
		[16, 17, 18, 36, 43, 45, 175],
		`
		demo openstack image create --id $id1 --tag one --tag two --property colour=red --min-disk 1 --min-ram 64 $run-a
		demo openstack image show $id1
		demo openstack image show $run-a
		demo openstack image set --name $run-b --tag three --property shape=round --min-disk 2 $id1
		demo openstack image unset --tag one --property colour $id1
		demo openstack image unset --property never $id1
		demo openstack image unset --tag never $id1
		demo openstack image show $id1
		demo openstack image set --os-distro debian --architecture x86_64 --private $id1
		demo openstack image set --community $id1
		demo openstack image set --hidden $id1
		demo openstack image set --unhidden $id1
		demo openstack image set --public $id1
		demo openstack image set --protected $id1
		demo openstack image delete $id1
		demo openstack image set --unprotected $id1
		reader openstack image set --name x $id1
		alt openstack image show $missing
		alt openstack image delete $id1
		demo openstack image create --id $id1 again
		demo openstack image create --id no-uuid again
		demo openstack image create --disk-format floppy again
		demo openstack image create --min-disk -1 again
		demo openstack image delete $id1
		demo openstack image delete $id1
		demo openstack image show $id1
		admin openstack image create --id $id2 --public --project demo $run-public
		alt openstack image show $id2
		admin openstack image delete $id2
		reader openstack image create $run-c
		`,
	),
	session(
		'openstack image: lists',
		[22, 23, 24, 25, 26, 30, 31, 32, 34, 175],
		`
		demo openstack image create --id $id1 --tag $run --property run=$run $run-a
		demo openstack image create --id $id2 --tag $run --property run=$run --private $run-b < 0123456789
		demo openstack image create --id $id3 --tag $run --property run=$run --community $run-c
		demo openstack image list --tag $run
		demo openstack image list --tag $run --long
		demo openstack image list --tag $run --private
		demo openstack image list --tag $run --community
		demo openstack image list --tag $run --shared
		demo openstack image list --tag $run --public
		demo openstack image list --property run=$run --sort name:desc
		demo openstack image list --property run=$run --sort status:asc,name:desc
		demo openstack image list --tag $run --sort colour:asc
		demo openstack image list --tag $run --status active
		demo openstack image list --name $run-b
		demo openstack image list --tag $run --limit 1
		demo openstack image list --tag $run --marker $missing
		demo openstack image list --tag $run --all
		demo openstack image list --tag $run --hidden
		alt openstack image list --tag $run
		alt openstack image list --tag $run --community
		admin openstack image list --tag $run
		`,
	),
	session(
		'openstack image: bytes',
		[53, 60, 65, 66, 174, 175],
		`
		demo openstack image create --id $id1 --file $dir/ten $run-a
		demo openstack image save --file $dir/saved $id1
		demo openstack image save --file $dir/none $missing
		alt openstack image save --file $dir/none $id1
		demo openstack image create --id $id2 $run-b < from the keyboard
		demo openstack image save --file $dir/typed $id2
		demo openstack image create --id $id3 --file $dir/absent $run-c
		demo openstack image create --id $id4 $run-d
		demo openstack image save --file $dir/empty $id4
		demo openstack image set --deactivate $id1
		demo openstack image save --file $dir/off $id1
		demo openstack image set --activate $id1
		demo openstack image set --activate $id4
		`,
	),
	session(
		'openstack image: sharing',
		[33, 49, 106, 175],
		`
		demo openstack image create --id $id1 --shared $run-a
		demo openstack image add project $id1 $alt
		demo openstack image add project $id1 $alt
		demo openstack image member list $id1
		alt openstack image member list $id1
		alt openstack image list --member-status pending --shared --name $run-a
		alt openstack image set --accept $id1
		alt openstack image show $id1
		alt openstack image list --name $run-a
		alt openstack image set --reject $id1
		demo openstack image set --accept $id1
		demo openstack image remove project $id1 $alt
		demo openstack image remove project $id1 $alt
		alt openstack image show $id1
		demo openstack image set --private $id1
		demo openstack image add project $id1 $alt
		demo openstack image member list $id1
		`,
	),
];

const glance: readonly Session[] = [
	session(
		'glance: images',
		[13, 16, 17, 18, 32, 36, 43, 44, 45, 175],
		`
		demo glance image-create --id $id1 --name $run-a --tags one two --property colour=red --min-ram 64 --disk-format raw --container-format bare
		demo glance image-show $id1
		demo glance image-update --name $run-b --property shape=round --remove-property colour --min-disk 3 $id1
		demo glance image-update --hidden true $id1
		demo glance image-update --hidden false --protected true --visibility private $id1
		demo glance image-delete $id1
		demo glance image-update --protected false $id1
		demo glance image-update --visibility public $id1
		demo glance image-update --remove-property never $id1
		demo glance image-update --disk-format floppy $id1
		demo glance image-update --property status=active $id1
		demo glance image-tag-update $id1 three
		demo glance image-tag-delete $id1 one
		demo glance image-tag-delete $id1 never
		demo glance image-deactivate $id1
		demo glance image-reactivate $id1
		demo glance image-show --human-readable $id1
		demo glance image-create --id $id1
		demo glance image-create --name x --min-disk much
		demo glance image-create --visibility secret
		demo glance image-create --nonsense
		reader glance image-create --name x
		alt glance image-show $id1
		alt glance image-update --name x $id1
		demo glance image-delete $id1 $missing
		demo glance image-show $id1
		`,
	),
	session(
		'glance: lists',
		[22, 23, 25, 30, 31, 32, 34, 175],
		`
		demo glance image-create --id $id1 --name $run-a --tags $run --property run=$run
		demo glance image-create --id $id2 --name $run-b --tags $run x --visibility private
		demo glance image-create --id $id3 --name $run-c --tags $run --hidden true
		demo glance image-list --tag $run
		demo glance image-list --tag $run --tag x
		demo glance image-list --property-filter run=$run
		demo glance image-list --property-filter name=$run-b
		demo glance image-list --tag $run --visibility private
		demo glance image-list --tag $run --visibility secret
		demo glance image-list --tag $run --hidden true
		demo glance image-list --tag $run --sort-key name --sort-dir desc
		demo glance image-list --tag $run --sort name:desc,id:asc
		demo glance image-list --tag $run --sort colour
		demo glance image-list --tag $run --page-size 1
		demo glance image-list --tag $run --limit 1
		demo glance image-list --tag $run --checksum none
		demo glance --verbose image-list --tag $run
		alt glance image-list --tag $run
		`,
	),
	session(
		'glance: bytes and sharing',
		[33, 53, 55, 60, 106, 174, 175],
		`
		demo glance image-create --id $id1 --name $run-a --disk-format raw --container-format bare --file $dir/ten
		demo glance image-download --file $dir/got $id1
		demo glance image-download --file $dir/none $missing
		demo glance image-upload --file $dir/ten $id1
		demo glance image-create --id $id2 --name $run-b --disk-format raw --container-format bare
		demo glance image-upload $id2 < from the keyboard
		demo glance image-download --file $dir/typed $id2
		demo glance image-create --id $id3 --name $run-c
		demo glance image-upload --file $dir/ten $id3
		demo glance image-download --file $dir/empty $id3
		demo glance image-upload --file $dir/ten --size 10 $missing
		demo glance member-create $id1 $alt
		demo glance member-create $id1 $alt
		demo glance member-list --image-id $id1
		demo glance member-get $id1 $alt
		alt glance member-update $id1 $alt accepted
		alt glance member-update $id1 $alt maybe
		demo glance member-update $id1 $alt accepted
		alt glance image-download --file $dir/shared $id1
		demo glance member-delete $id1 $alt
		demo glance member-delete $id1 $alt
		demo glance member-list --image-id $missing
		demo glance image-deactivate $id1
		demo glance image-download --file $dir/off $id1
		demo glance image-reactivate $id1
		`,
	),
	session(
		'glance: metadata definitions',
		[107, 108, 109, 175],
		`
		admin glance md-namespace-create $run-ns --visibility public --display-name shown --description words
		demo glance md-namespace-show $run-ns
		demo glance md-namespace-show $run-none
		admin glance md-namespace-update $run-ns --visibility private --protected true
		admin glance md-namespace-delete $run-ns
		admin glance md-namespace-update $run-ns --visibility public --protected false
		admin glance md-namespace-create $run-ns
		demo glance md-namespace-create $run-mine
		admin glance md-property-create $run-ns --name cpu --title CPUs --schema {"type":"integer","minimum":1}
		admin glance md-property-create $run-ns --name bad --title Bad --schema {"type":"text"}
		demo glance md-property-list $run-ns
		demo glance md-property-show $run-ns cpu
		admin glance md-property-update $run-ns cpu --title Cores
		admin glance md-property-delete $run-ns cpu
		admin glance md-property-delete $run-ns cpu
		admin glance md-object-create $run-ns --name machine --schema {"description":"all","properties":{"ram":{"title":"RAM","type":"integer"}}}
		demo glance md-object-list $run-ns
		demo glance md-object-show $run-ns machine
		demo glance md-object-property-show $run-ns machine ram
		admin glance md-object-update $run-ns machine --name renamed
		admin glance md-object-delete $run-ns renamed
		admin glance md-tag-create $run-ns --name one
		admin glance md-tag-create-multiple $run-ns --names two,three
		admin glance md-tag-create-multiple $run-ns --names four --append
		demo glance md-tag-list $run-ns
		demo glance md-tag-show $run-ns two
		admin glance md-tag-update $run-ns two --name second
		admin glance md-tag-delete $run-ns second
		admin glance md-resource-type-associate $run-ns $run-type --prefix p:
		demo glance md-namespace-resource-type-list $run-ns
		demo glance md-namespace-show $run-ns --resource-type $run-type
		admin glance md-resource-type-deassociate $run-ns $run-type
		admin glance md-namespace-properties-delete $run-ns
		admin glance md-namespace-objects-delete $run-ns
		admin glance md-namespace-tags-delete $run-ns
		alt glance md-namespace-delete $run-ns
		admin glance md-namespace-delete $run-ns
		`,
	),
	session(
		'glance: tasks and the cache',
		[51, 102, 103, 175, 180],
		`
		admin glance image-create --id $id1 --name $run-a --disk-format raw --container-format bare --file $dir/ten
		admin glance image-tasks $id1
		demo glance image-tasks $missing
		demo glance task-list
		admin glance task-show $missing
		demo glance task-create --type import --input {"import_from":"http://127.0.0.1:1/x","import_from_format":"raw","image_properties":{}}
		admin glance cache-queue $missing
		demo glance cache-queue $id1
		demo glance cache-list
		admin glance cache-queue $id1
		admin glance cache-delete $id1
		admin glance cache-delete $missing
		demo glance cache-clear
		`,
	),
	session(
		'glance: stores',
		[84, 98, 99, 100, 175],
		`
		demo glance stores-info
		admin glance stores-info --detail
		demo glance stores-info --detail
		demo glance image-create --id $id1 --name $run-a --disk-format raw --container-format bare --file $dir/ten --store slow
		demo glance image-show $id1
		demo glance image-create --id $id2 --name $run-b --disk-format raw --container-format bare --file $dir/ten --store nowhere
		demo glance image-create --id $id3 --name $run-c --disk-format raw --container-format bare
		demo glance image-upload --file $dir/ten --store fast $id3
		admin glance stores-delete --store nowhere $id1
		admin glance image-import --import-method copy-image --stores fast $id1
		wait admin glance image-show $id1
		alt glance stores-delete --store slow $id1
		admin glance stores-delete --store slow $id1
		admin glance image-show $id1
		demo glance image-download --file $dir/moved $id1
		admin glance stores-delete --store fast $id1
		`,
	),
	session(
		'glance: staging and import',
		[72, 73, 74, 78, 79, 80, 175],
		`
		demo glance import-info
		demo glance image-create --id $id1 --name $run-a --disk-format raw --container-format bare
		demo glance image-import --import-method glance-direct $id1
		demo glance image-stage --file $dir/ten $id1
		demo glance image-show $id1
		demo glance image-import --import-method glance-direct --stores fast,slow $id1
		wait demo glance image-show $id1
		demo glance image-import --import-method nothing $id1
		demo glance image-create-via-import --id $id2 --name $run-b --disk-format raw --container-format bare --import-method glance-direct --file $dir/ten
		wait demo glance image-show $id2
		demo glance image-create-via-import --id $id3 --name $run-c --disk-format raw --container-format bare --import-method web-download --uri $web/cirros-like.img --store slow
		wait demo glance image-show $id3
		demo glance image-create-via-import --name $run-d --disk-format raw --container-format bare --import-method web-download
		demo glance image-create --id $id4 --name $run-d --disk-format raw --container-format bare
		demo glance image-upload-via-import --import-method glance-direct --file $dir/ten $id4
		wait demo glance image-show $id4
		`,
	),
	session(
		'glance: locations',
		[93, 94, 175],
		`
		admin glance image-create --id $id1 --name $run-a --disk-format raw --container-format bare
		admin glance location-add --url $web/cirros-like.img --metadata {"note":"x"} $id1
		admin glance image-show $id1
		admin glance location-update --url $web/cirros-like.img --metadata {"note":"y"} $id1
		admin glance location-delete --url $web/cirros-like.img $id1
		admin glance location-delete --url $web/nothing $id1
		admin glance location-add --url $web/absent.img $id1
		demo glance location-add --url $web/cirros-like.img $id1
		demo glance image-create --id $id2 --name $run-b --disk-format raw --container-format bare
		demo glance location-add --url file:///etc/passwd $id2
		demo glance location-add --url $web/cirros-like.img $id2
		demo glance image-show $id2
		`,
	),
	session(
		'glance: schemas, usage, and what needs no server',
		[13, 101, 175],
		`
		demo glance explain image
		demo glance explain member
		demo glance explain nothing
		demo glance usage
		demo glance help image-create
		demo glance nonsense
		`,
	),
];

export const SESSIONS: readonly Session[] = [...openstack, ...glance];
