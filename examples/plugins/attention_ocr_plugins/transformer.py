"""A transformer decoder, which reads a character after the other or all in parallel."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from attention_ocr.models.attention.interface import Memory
from attention_ocr.models.decoder_interface import Decoder, ParallelOutput, TeacherForcedOutput
from attention_ocr.text.charset import END_ID, PAD_ID, START_ID
from attention_ocr_plugins.gelu import gelu
from attention_ocr_plugins.multi_head import attend, mask_bias


class KeysAndValues(NamedTuple):
    """What a layer looks at; S characters or N cells.

    Attributes:
        keys: float [B, S or N, U].
        values: float [B, S or N, U].
    """

    keys: tf.Tensor
    values: tf.Tensor


class DecoderState(NamedTuple):
    """The characters so far, as the layers see them; S = max_length + 1.

    Attributes:
        characters: For each layer keys and values, float [B, S, U]; zero after the last one.
        place: int32 [B], number of characters so far.
    """

    characters: tuple[KeysAndValues, ...]
    place: tf.Tensor


class DecoderLayer(keras.layers.Layer):
    """A layer whose queries attend first to the characters, then to the image.

    Layer normalisation comes first in each branch (Xiong et al., 2020).

    Args:
        units: U.
        heads: Divide U.
        dropout: Fraction of what each branch adds that is dropped in training.
        seed: Of the dropout.
    """

    def __init__(self, units: int, heads: int, dropout: float, seed: int, **kwargs: object) -> None:
        super().__init__(autocast=False, **kwargs)
        self.units = units
        self.heads = heads
        self.norms = [
            keras.layers.LayerNormalization(epsilon=1e-6, name=f"norm_{index}")
            for index in range(3)
        ]
        # A bias of the keys would change no weight.
        self.character_entry = keras.layers.Dense(2 * units, use_bias=False, name="characters")
        self.image_entry = keras.layers.Dense(2 * units, use_bias=False, name="image")
        self.queries = [keras.layers.Dense(units, name=f"query_{index}") for index in range(2)]
        self.contexts = [keras.layers.Dense(units, name=f"context_{index}") for index in range(2)]
        self.hidden = keras.layers.Dense(4 * units, activation=gelu, name="hidden")
        self.output_projection = keras.layers.Dense(units, name="output")
        self.dropout = keras.layers.Dropout(dropout, seed=seed, name="dropout")

    def build(self, memory_width: int) -> None:
        width = (None, None, self.units)
        own = (*self.norms, self.character_entry, *self.queries, *self.contexts, self.hidden)
        for layer in own:
            layer.build(width)
        self.image_entry.build((None, None, memory_width))
        self.output_projection.build((None, None, 4 * self.units))
        self.built = True

    def see_image(self, values: tf.Tensor) -> KeysAndValues:
        """Return keys and values of the grid, `values` float [B, N, D]."""
        return KeysAndValues(*tf.split(self.image_entry(values), 2, axis=-1))

    def see_characters(self, embedded: tf.Tensor) -> KeysAndValues:
        """Return keys and values of characters, `embedded` float [B, S, U]."""
        return KeysAndValues(*tf.split(self.character_entry(embedded), 2, axis=-1))

    def inform(
        self,
        queries: tf.Tensor,
        seen: tuple[tuple[KeysAndValues, tf.Tensor], ...],
        training: bool,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the queries float [B, Q, U] with what they saw, and the weights of the last.

        Args:
            queries: float [B, Q, U].
            seen: Characters, then image: each with the bias of its scores.
            training: Whether something is dropped.
        """
        for index, ((keys, values), bias) in enumerate(seen):
            asked = self.queries[index](self.norms[index](queries))
            contexts, weights = attend(asked, keys, values, bias, self.heads)
            queries += self.dropout(self.contexts[index](contexts), training=training)
        changed = self.output_projection(self.hidden(self.norms[2](queries)))
        queries += self.dropout(changed, training=training)
        return queries, tf.reduce_mean(weights, axis=1)


class TransformerDecoder(Decoder):
    """Decoder whose queries are places in the text, after PARSeq (Bautista and Atienza, 2022).

    The query of each place sees the characters that a mask lets it see, then the image (section
    3.2). With a causal mask, it reads one character after the other. In parallel,
    each place first sees none of the others; then, in each refinement, all of the others, as they
    were read last (section 3.3, "cloze" mask).

    A decoder that shall read in parallel is trained on permutations (section 3.1): the places of
    half of the examples see the characters that come before them in the example's own order,
    drawn for each step, and those of the other half the preceding ones. The paper repeats the
    pass for several orders of each example; here there is one.

    Args:
        vocabulary_size: V.
        units: U.
        max_length: Characters of the longest text.
        num_layers: Layers, each with its own weights.
        heads: Divide U.
        parallel: Whether all characters are read at once.
        refinements: Passes after the first one, of `parallel`.
        dropout: Fraction of what each branch adds that is dropped in training.
        seed: Of all that is drawn.

    Call arguments:
        memory: From `prepare`.
        state: Unused; from `initial_state`.
        decoder_inputs: int [B, T], start token and text.
        sampling_probability: Unused.

    Returns:
        `TeacherForcedOutput`.

    Raises:
        ValueError: If `heads` do not divide `units`, or there is no layer.
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int,
        max_length: int,
        *,
        num_layers: int = 1,
        heads: int = 8,
        parallel: bool = False,
        refinements: int = 1,
        dropout: float = 0.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if units % heads:
            raise ValueError(f"`heads` must divide the units, {units}. Received: {heads}")
        if num_layers < 1 or refinements < 0:
            raise ValueError(
                "`num_layers` must be above 0, and `refinements` not negative. "
                f"Received: {num_layers} and {refinements}"
            )
        self.units = units
        self.num_places = max_length + 1
        self.parallel = parallel
        self.refinements = refinements
        self.embedding = keras.layers.Embedding(vocabulary_size, units, name="embedding")
        self.blocks = [
            DecoderLayer(units, heads, dropout, seed, name=f"layer_{index}")
            for index in range(num_layers)
        ]
        self.last_norm = keras.layers.LayerNormalization(epsilon=1e-6, name="norm")
        self.output_projection = keras.layers.Dense(vocabulary_size, dtype="float32", name="output")
        self.seed_generator = keras.random.SeedGenerator(seed) if parallel else None

    def build(self, *shapes: object) -> None:
        # `prepare` comes first, and has made the variables.
        self.built = True

    def prepare(self, values: tf.Tensor, cells: tf.Tensor) -> Memory:
        with keras.name_scope(self.name):
            if not self.last_norm.built:
                self._make_variables(values.shape[-1])
            return Memory(values, tuple(block.see_image(values) for block in self.blocks), cells)

    def _make_variables(self, memory_width: int) -> None:
        self.places = self.add_weight(
            shape=(self.num_places, self.units),
            initializer=keras.initializers.RandomNormal(stddev=0.02),
            name="places",
        )
        self.embedding.build()
        for block in self.blocks:
            block.build(memory_width)
        self.last_norm.build((None, None, self.units))
        self.output_projection.build((None, None, self.units))

    def initial_state(
        self, summary: tf.Tensor, memory: Memory, grid_shape: tf.Tensor
    ) -> DecoderState:
        batch_size = tf.shape(memory.values)[0]
        empty = tf.zeros((batch_size, self.num_places, self.units), self.compute_dtype)
        characters = tuple(KeysAndValues(empty, empty) for _ in self.blocks)
        return DecoderState(characters, tf.zeros((batch_size,), tf.int32))

    def step(
        self, token_ids: tf.Tensor, state: DecoderState, memory: Memory
    ) -> tuple[tf.Tensor, DecoderState, tf.Tensor]:
        place = tf.expand_dims(state.place, 1)
        embedded = self._embed(tf.expand_dims(token_ids, 1), place)
        here = tf.expand_dims(tf.equal(tf.range(self.num_places), place), -1)
        characters = tuple(
            KeysAndValues(
                *(old + tf.cast(here, old.dtype) * new for old, new in zip(*pair, strict=True))
            )
            for pair in zip(
                state.characters,
                (block.see_characters(embedded) for block in self.blocks),
                strict=True,
            )
        )
        is_visible = tf.range(self.num_places) <= tf.reshape(place, (-1, 1, 1, 1))
        queries = tf.gather(self._compute(self.places), place)
        logits, weights = self._read(queries, characters, is_visible, memory)
        next_state = DecoderState(characters, state.place + 1)
        return tf.squeeze(logits, 1), next_state, tf.squeeze(weights, 1)

    def decode_parallel(
        self, memory: Memory, state: DecoderState, num_steps: int
    ) -> ParallelOutput:
        batch_size = tf.shape(memory.values)[0]
        queries = tf.repeat(
            tf.expand_dims(self._compute(self.places)[:num_steps], 0), batch_size, axis=0
        )
        starts = tf.fill((batch_size, 1), START_ID)
        output = self._read_with(queries, starts, tf.constant(True), memory)
        steps = tf.range(num_steps)
        is_other = tf.not_equal(tf.expand_dims(steps, 1) + 1, steps)  # [T, T]
        for _ in range(self.refinements):
            read = tf.argmax(output.logits, axis=-1, output_type=tf.int32)
            ends = tf.cast(tf.equal(read, END_ID), tf.int32)
            has_ended = tf.cumsum(ends, axis=1) > 0
            is_text = tf.concat([tf.ones_like(starts, tf.bool), ~has_ended[:, :-1]], axis=1)
            is_visible = is_other & tf.expand_dims(tf.expand_dims(is_text, 1), 1)
            inputs = tf.concat([starts, read[:, :-1]], axis=1)
            output = self._read_with(queries, inputs, is_visible, memory)
        return output

    def call(
        self,
        memory: Memory,
        state: DecoderState,
        decoder_inputs: tf.Tensor,
        sampling_probability: tf.Tensor | None = None,
        training: bool = False,
    ) -> TeacherForcedOutput:
        shape = tf.shape(decoder_inputs)
        queries = tf.repeat(
            tf.expand_dims(self._compute(self.places)[: shape[1]], 0), shape[0], axis=0
        )
        steps = tf.range(shape[1])
        is_visible = steps <= tf.expand_dims(steps, 1)
        if training and self.seed_generator is not None:
            seed = tf.cast(self.seed_generator.next(), tf.int32)
            is_visible = permuted(decoder_inputs, seed)
        output = self._read_with(queries, decoder_inputs, is_visible, memory, training)
        return TeacherForcedOutput(output.logits, output.weights, None)

    def _read_with(
        self,
        queries: tf.Tensor,
        token_ids: tf.Tensor,
        is_visible: tf.Tensor,
        memory: Memory,
        training: bool = False,
    ) -> ParallelOutput:
        """Read all places of `queries` at once, with the characters `token_ids` int [B, S]."""
        embedded = self._embed(token_ids, tf.range(tf.shape(token_ids)[1]))
        characters = tuple(block.see_characters(embedded) for block in self.blocks)
        return ParallelOutput(*self._read(queries, characters, is_visible, memory, training))

    def _read(
        self,
        queries: tf.Tensor,
        characters: tuple[KeysAndValues, ...],
        is_visible: tf.Tensor,
        memory: Memory,
        training: bool = False,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return logits float32 [B, Q, V] and weights float32 [B, Q, N].

        Args:
            queries: float [B, Q, U].
            characters: Of each layer, float [B, S, U].
            is_visible: bool, broadcasts to [B, 1, Q, S].
            memory: From `prepare`.
            training: Whether something is dropped.
        """
        character_bias = mask_bias(is_visible)
        image_bias = mask_bias(tf.expand_dims(tf.expand_dims(memory.cells, 1), 1))
        for block, own, image in zip(self.blocks, characters, memory.keys, strict=True):
            seen = ((own, character_bias), (image, image_bias))
            queries, weights = block.inform(queries, seen, training)
        return self.output_projection(self.last_norm(queries)), weights

    def _embed(self, token_ids: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
        """Return characters with the places where they stand, float [..., U].

        Args:
            token_ids: int [...]; the start token is at place 0, character n at n.
            places: int, broadcasts to [...].
        """
        vectors = tf.gather(self._compute(self.embedding.embeddings), token_ids)
        # The place of a character is that of the query that reads it; the start has none.
        shifted = tf.pad(self._compute(self.places)[:-1], ((1, 0), (0, 0)))
        return vectors * self.units**0.5 + tf.gather(shifted, places)

    def _compute(self, variable: keras.Variable) -> tf.Tensor:
        return tf.cast(tf.convert_to_tensor(variable), self.compute_dtype)


def permuted(decoder_inputs: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Return which characters each place sees, bool [B, 1, T, T].

    Args:
        decoder_inputs: int [B, T], start token and text.
        seed: int32 [2], of the order of each example.
    """
    batch_size, num_steps = tf.unstack(tf.shape(decoder_inputs))
    seeds = tf.unstack(tf.random.split(seed, 2))
    drawn = tf.random.stateless_uniform((batch_size, num_steps), seeds[0])
    written = tf.range(num_steps, dtype=tf.float32)
    is_drawn = tf.random.stateless_uniform((batch_size, 1), seeds[1]) < 0.5
    # The start token comes first in every order; place t reads the character t + 1.
    order = tf.where(is_drawn, drawn, written)
    before = tf.pad(order[:, :-1], ((0, 0), (1, 0)), constant_values=-1.0)
    comes_before = tf.expand_dims(before, 1) < tf.expand_dims(order, 2)
    is_text = tf.not_equal(decoder_inputs, PAD_ID)
    return tf.expand_dims(comes_before & tf.expand_dims(is_text, 1), 1)
