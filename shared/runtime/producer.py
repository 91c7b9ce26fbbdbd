"""Starting a producer on whatever broker there is."""

from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import IncompatibleBrokerVersion, UnknownError, UnsupportedVersionError

from shared.runtime import logs
from shared.runtime.kafka_security import client_options

log = logs.get(__name__)

_CANNOT_NUMBER = (UnknownError, UnsupportedVersionError, IncompatibleBrokerVersion)
"""How a broker answers that has no producer ids to give."""


async def start_producer(**options: Any) -> AIOKafkaProducer:
    """Start an `AIOKafkaProducer` with these options, idempotent where the broker can.

    Brokers that only speak Kafka's protocol may lack idempotence. Without it a batch that was acknowledged
    too late is on the topic twice. That is harmless here, for readers know a fact by its id and drop a
    version that they have; so it is said and done without. Raises KafkaError when the broker cannot be used.
    """
    for idempotent in (True, False):
        producer = AIOKafkaProducer(enable_idempotence=idempotent, **client_options(), **options)
        try:
            await producer.start()
            return producer
        except _CANNOT_NUMBER as error:
            await producer.stop()
            if not idempotent:
                raise
            log.warning("the broker cannot number a producer's batches; sending without", reason=repr(error))
        except BaseException:
            await producer.stop()
            raise
    raise AssertionError("the second attempt returns or raises")
