"""What Debian's own Glance makes of metadata definitions. Questions, one a line: a folder to load, or null for the schemas."""
import json
import sys
import tempfile

from oslo_config import cfg
from oslo_db import options
from wsme.rest import json as wsme_json

from glance.api import policy
from glance.api.v2 import metadef_namespaces, schemas
from glance.api.v2.model.metadef_namespace import Namespace
from glance.common import config  # noqa: F401, registers options
from glance.context import RequestContext
from glance.db.sqlalchemy import api, metadata, models, models_metadef  # noqa: F401, registers tables


class Silent:
    def info(self, *args, **kwargs):
        pass


class Request:
    def __init__(self):
        self.context = RequestContext(is_admin=True, roles=['admin'], project_id='p')


def loaded(folder):
    engine = api.get_engine()
    models.register_models(engine)
    models_metadef.register_models(engine)
    metadata.db_load_metadefs(engine, folder)
    controller = metadef_namespaces.NamespaceController(api, policy.Enforcer(), Silent())
    request = Request()
    page = controller.index(request, limit=1000, sort_key='namespace', sort_dir='asc', filters={})
    return [wsme_json.tojson(Namespace, controller.show(request, each.namespace)) for each in page.namespaces]


def documents():
    controller = schemas.Controller()
    kinds = ('namespace', 'namespaces', 'resource_type', 'resource_types', 'property', 'properties',
             'object', 'objects', 'tag', 'tags')
    found = {'metadefs/' + kind: getattr(controller, 'metadef_' + kind)(None) for kind in kinds}
    return {**found, 'task': controller.task(None), 'tasks': controller.tasks(None)}


with tempfile.TemporaryDirectory() as scratch:
    options.set_defaults(cfg.CONF, connection='sqlite:///' + scratch + '/glance.db')
    cfg.CONF([], project='glance', default_config_files=[])
    for line in sys.stdin:
        folder = json.loads(line)
        print(json.dumps(documents() if folder is None else loaded(folder)))
