"""Answers questions of property protections with Glance itself: {text, format, policies, questions} in, a list of booleans or "invalid" out."""
import configparser
import json
import logging
import os
import sys
import tempfile
import warnings

from oslo_config import cfg
from oslo_policy import policy

from glance.common import exception
from glance.common import property_utils

logging.disable(logging.CRITICAL)
warnings.simplefilter('ignore')

CONF = cfg.CONF
CONF([], project='sundog-test', default_config_files=[])
plain = cfg.ConfigOpts()
plain([], project='sundog-test', default_config_files=[])
folder = tempfile.mkdtemp()
path = os.path.join(folder, 'protections.conf')
CONF.set_override('property_protection_file', path)


class Enforcer:
    """What property_utils needs of Glance's, over given rules."""

    def __init__(self, rules):
        self.enforcer = policy.Enforcer(plain, use_conf=False)
        self.enforcer.set_rules(policy.Rules.from_dict(rules))
        self.enforcer._need_check_rule = False

    def add_rules(self, rules):
        self.enforcer.set_rules(rules, overwrite=False)
        self.enforcer._need_check_rule = False

    def enforce(self, context, action, target, registered):
        if not self.enforcer.enforce(action, target, {'roles': context.roles}):
            raise exception.Forbidden()


class Context:
    def __init__(self, roles, service_roles):
        self.roles = list(roles)
        self.service_roles = service_roles


def answer(question):
    with open(path, 'w') as file:
        file.write(question['text'])
    # the module keeps what it has read before
    property_utils.CONFIG = configparser.ConfigParser()
    CONF.set_override('property_protection_rule_format', question['format'])
    try:
        rules = property_utils.PropertyRules(Enforcer(question['policies']))
    except Exception:
        return 'invalid'
    return [rules.check_property_rules(each['property'], each['action'], Context(each['roles'], each['serviceRoles']))
            for each in question['questions']]


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))))
os.unlink(path)
os.rmdir(folder)
