"""One training step, on one or several devices."""

from collections.abc import Callable

import keras
import tensorflow as tf

from attention_ocr.models.losses import loss_normalizer
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.settings.config import Config
from attention_ocr.training.bucket_padding import pad_to_bucket
from attention_ocr.training.devices import worker_shard
from attention_ocr.training.loss_scale import scale_loss, scale_of
from attention_ocr.training.losses import make_loss
from attention_ocr.training.optimization import AveragedWeights, clip_gradients
from attention_ocr.training.scheduled_sampling import sampling_schedule

Batch = dict[str, tf.Tensor]


def input_signature(config: Config) -> dict[str, tf.TensorSpec]:
    """Return shapes and dtypes of the part of a batch that the step uses."""
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

    The loss is the mean over the tokens, or the examples, of the whole batch, over all replicas and
    workers; each replica computes its share of the sum, and the gradients are summed.

    Returns:
        A function from a batch of this process (see `data.pipeline.training_batches`) to `loss`,
        its parts, and `gradient_norm`, float32 scalars; with loss scaling also `loss_scale`, and
        the norm is 0 for a skipped step, whose gradients are not finite.

    Raises:
        ValueError: If `jit_compile` is set and there are several devices.
    """
    replicas = strategy.num_replicas_in_sync  # over all workers
    compiled = config.training.jit_compile
    if compiled and replicas > 1:
        raise ValueError(f"`jit_compile` is for one device. Received: {replicas} devices")
    local_replicas = replicas // worker_shard(strategy)[1]
    replica_step = _make_replica_step(recognizer, optimizer, config, replicas)
    # Batches differ in width and length. With a signature, one device traces the step once; the
    # batches of several replicas have none and are traced twice. For XLA, every shape is traced.
    signature = (input_signature(config),) if replicas == 1 and not compiled else None

    @tf.function(
        input_signature=signature, reduce_retracing=not compiled, jit_compile=compiled or None
    )
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
        if compiled:
            inputs = pad_to_bucket(inputs, config)
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
    """Return the step of one replica on its part of a batch; the values are its shares."""
    settings, variables = config.training, recognizer.trainable_variables
    loss = make_loss(config, variables, replicas)
    sampling_probability = sampling_schedule(settings)

    def replica_step(batch: Batch) -> dict[str, tf.Tensor]:
        context = tf.distribute.get_replica_context()
        normalizer = loss_normalizer(batch, settings.loss_reduction)
        if replicas > 1:
            normalizer = context.all_reduce(tf.distribute.ReduceOp.SUM, normalizer)
        inputs = batch
        if sampling_probability is not None:
            probability = sampling_probability(optimizer.iterations)
            inputs = batch | {"sampling_probability": probability}
        with tf.GradientTape() as tape:
            losses = loss(recognizer(inputs, training=True), batch, normalizer=normalizer)
            scaled_loss = scale_loss(optimizer, losses["loss"])
        # The gradient of an embedding is sparse, which does not pay off at this size.
        gradients = [
            tf.convert_to_tensor(gradient) for gradient in tape.gradient(scaled_loss, variables)
        ]
        if replicas > 1:
            gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        scale = scale_of(optimizer)
        if scale is not None:
            gradients = [gradient / scale for gradient in gradients]
        gradients, norm = clip_gradients(gradients, settings)
        if replicas > 1:
            # The gradients are already summed, and the optimiser sums over replicas once more.
            gradients = [gradient / replicas for gradient in gradients]
        if scale is not None:
            # The optimiser expects scaled gradients, and skips the step if they are not finite.
            gradients = [gradient * scale for gradient in gradients]
            losses["loss_scale"] = scale / replicas
            norm = tf.where(tf.math.is_finite(norm), norm, 0.0)
        optimizer.apply(gradients, variables)
        return losses | {"gradient_norm": norm / replicas}

    return replica_step
