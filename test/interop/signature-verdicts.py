"""What cursive makes of a signature: a question a line, {properties, certificate (PEM), data (path)}; 'ok', or the name of what it raises."""
import json
import logging
import sys

from castellan import key_manager
from castellan.common import exception
from castellan.common.objects import x_509
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cursive import signature_utils

logging.disable(logging.CRITICAL)
current = {}


class Keys:
    def get(self, context, uuid):
        if current.get('id') != uuid:
            raise exception.ManagedObjectNotFoundError(uuid=uuid)
        pem = x509.load_pem_x509_certificate(current['pem'].encode())
        return x_509.X509(pem.public_bytes(serialization.Encoding.DER))


key_manager.API = lambda *args, **options: Keys()


def verdict(properties, certificate, data):
    current.update(id=properties.get('img_signature_certificate_uuid'), pem=certificate)
    if not signature_utils.should_create_verifier(properties):
        return 'unchecked'
    try:
        verifier = signature_utils.get_verifier(None, **properties)
        with open(data, 'rb') as stream:
            for piece in iter(lambda: stream.read(65536), b''):
                verifier.update(piece)
        verifier.verify()
        return 'ok'
    except Exception as error:
        return type(error).__name__


for line in sys.stdin:
    question = json.loads(line)
    print(json.dumps(verdict(**question)), flush=True)
