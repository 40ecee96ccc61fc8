"""An IndRNN as another package would bring it: all of it in one file, through nothing but `textrnn.CellSpec`.

h' = relu(x W + u * h + b): the units do not see one another.

Reference:
    Li, Li, Cook, Zhu and Gao, 2018, Independently recurrent neural network (IndRNN).
"""

import functools

import numpy as np

from textrnn import CellSpec


@functools.cache
def keras_cell():
    import keras

    @keras.saving.register_keras_serializable(package="indrnn")
    class IndRNNCell(keras.layers.Layer):
        def __init__(self, units, kernel_initializer="glorot_uniform", kernel_regularizer=None, **kwargs):
            super().__init__(**kwargs)
            self.units = self.state_size = units
            self.kernel_initializer = keras.initializers.get(kernel_initializer)
            self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

        def build(self, shape):
            self.kernel = self.add_weight(
                shape=(shape[-1], self.units),
                initializer=self.kernel_initializer,
                regularizer=self.kernel_regularizer,
                name="kernel",
            )
            recurrent = keras.initializers.RandomUniform(0, 1)
            self.recurrent = self.add_weight(shape=(self.units,), initializer=recurrent, name="recurrent")
            self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

        def call(self, inputs, states, training=False):
            h = keras.ops.relu(inputs @ self.kernel + self.recurrent * states[0] + self.bias)
            return h, [h]

        def get_config(self):
            kernel = dict(
                kernel_initializer=keras.initializers.serialize(self.kernel_initializer),
                kernel_regularizer=keras.regularizers.serialize(self.kernel_regularizer),
            )
            return {**super().get_config(), "units": self.units, **kernel}

    return IndRNNCell


def make_layer(units, *, kernel_initializer="glorot_uniform", kernel_regularizer=None, **options):
    import keras

    return keras.layers.RNN(keras_cell()(units, kernel_initializer, kernel_regularizer), **options)


def step(weights, projected, state):
    return [np.maximum(projected + weights["recurrent"] * state[0], 0)]


def back(weights, projected, state, after):
    d_projected = after[0] * (projected + weights["recurrent"] * state[0] > 0)
    return [d_projected * weights["recurrent"]], d_projected


CELL = CellSpec(
    "indrnn",
    layer=make_layer,
    step=step,
    back=back,
    weights=lambda inputs, units: {"kernel": (inputs, units), "recurrent": (units,), "bias": (units,)},
    both_ways=True,
)
