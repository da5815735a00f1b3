"""One training step, on however many devices."""

from collections.abc import Callable

import keras
import tensorflow as tf

from attention_ocr.config import Config
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.training.devices import worker_shard
from attention_ocr.training.losses import make_loss
from attention_ocr.training.optimization import AveragedWeights

Batch = dict[str, tf.Tensor]


def input_signature(config: Config) -> dict[str, tf.TensorSpec]:
    """Return shapes and types of the part of a batch that the step takes."""
    image = config.image
    tokens = (None, None)
    return {
        "images": tf.TensorSpec((None, image.input_height, None, image.image_channels), tf.float32),
        "image_sizes": tf.TensorSpec((None, 2), tf.int32),
        "decoder_inputs": tf.TensorSpec(tokens, tf.int32),
        "targets": tf.TensorSpec(tokens, tf.int32),
        "target_weights": tf.TensorSpec(tokens, tf.float32),
    }


def make_train_step(
    strategy: tf.distribute.Strategy,
    recognizer: Recognizer,
    optimizer: keras.Optimizer,
    averages: AveragedWeights,
    config: Config,
) -> Callable[[Batch], dict[str, tf.Tensor]]:
    """Return the function that trains on one batch.

    The loss is the mean over the tokens of the whole batch, over all replicas and workers; each
    replica computes its share of the sum, and the shares' gradients are added up.

    Returns:
        A function from a batch of this process (see `data.pipeline.training_batches`) to `loss`,
        its parts, and `gradient_norm`, float32 scalars.
    """
    replicas = strategy.num_replicas_in_sync  # over all workers
    local_replicas = replicas // worker_shard(strategy)[1]
    replica_step = _make_replica_step(recognizer, optimizer, config, replicas)
    # Batches differ in width and length. Told so beforehand, one device traces the step once; the
    # batches of several replicas have no signature and are traced twice.
    signature = (input_signature(config),) if replicas == 1 else None

    @tf.function(input_signature=signature, reduce_retracing=True)
    def train_step(batch: Batch) -> dict[str, tf.Tensor]:
        shares = strategy.run(replica_step, args=(batch,))
        values = {
            name: strategy.reduce(tf.distribute.ReduceOp.SUM, share, axis=None)
            for name, share in shares.items()
        }
        averages.update(optimizer.iterations)
        return values

    def distribute(batch: Batch) -> Batch:
        inputs = {name: batch[name] for name in input_signature(config)}
        if replicas == 1:
            return inputs
        return strategy.experimental_distribute_values_from_function(
            lambda context: {
                name: value[context.replica_id_in_sync_group % local_replicas :: local_replicas]
                for name, value in inputs.items()
            }
        )

    return lambda batch: train_step(distribute(batch))


def _make_replica_step(
    recognizer: Recognizer, optimizer: keras.Optimizer, config: Config, replicas: int
) -> Callable[[Batch], dict[str, tf.Tensor]]:
    """Return what one of `replicas` does with its part of a batch; the values are shares."""
    clip_norm = config.training.clip_norm
    loss = make_loss(config)
    variables = recognizer.trainable_variables

    def replica_step(batch: Batch) -> dict[str, tf.Tensor]:
        context = tf.distribute.get_replica_context()
        num_tokens = tf.reduce_sum(batch["target_weights"])
        if replicas > 1:
            num_tokens = context.all_reduce(tf.distribute.ReduceOp.SUM, num_tokens)
        with tf.GradientTape() as tape:
            losses = loss(recognizer(batch, training=True), batch, num_tokens=num_tokens)
        # That of an embedding is sparse, which is not worth its trouble at this size.
        gradients = [
            tf.convert_to_tensor(gradient) for gradient in tape.gradient(losses["loss"], variables)
        ]
        if replicas > 1:
            gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        norm = tf.linalg.global_norm(gradients)
        # They are whole already; the optimiser's own sum over replicas must not repeat it.
        scale = 1.0 / replicas
        if clip_norm > 0:
            scale *= clip_norm / tf.maximum(norm, clip_norm)
        optimizer.apply([gradient * scale for gradient in gradients], variables)
        return losses | {"gradient_norm": norm / replicas}

    return replica_step


def compile_recognizer(recognizer: Recognizer, optimizer: keras.Optimizer, config: Config) -> None:
    """Make `recognizer.fit` train with the loss of the training step, on one device.

    Its batches are those of `data.pipeline.training_batches`, without their strings. Gradients are
    clipped only if the optimiser does it, and no weights are averaged.
    """
    recognizer.loss_function = make_loss(config)
    recognizer.compile(optimizer=optimizer)
