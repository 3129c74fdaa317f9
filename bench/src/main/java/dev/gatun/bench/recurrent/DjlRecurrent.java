package dev.gatun.bench.recurrent;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.recurrent.RecurrentSuite.Layer;
import dev.gatun.tensor.Cell;
import java.util.function.Function;

/** PyTorch's layer through DJL, batch first, no gradients. */
final class DjlRecurrent implements Contender {
    private final Layer layer;
    private final NDManager manager;
    private final NDArray x;
    private final NDArray state;
    private final NDList parameters = new NDList();

    DjlRecurrent(Layer layer, int threads) {
        System.setProperty("ai.djl.offline", "true");
        System.setProperty("ai.djl.pytorch.num_threads", Integer.toString(threads));
        System.setProperty("ai.djl.pytorch.num_interop_threads", "1");
        this.layer = layer;
        manager = Engine.getEngine("PyTorch").newBaseManager();
        long gates = (long) layer.cell().gates() * layer.hidden();
        x = manager.create(layer.x(), new Shape(layer.batch(), layer.steps(), layer.hidden()));
        state = manager.zeros(new Shape(1, layer.batch(), layer.hidden()));
        parameters.add(manager.create(layer.input(), new Shape(gates, layer.hidden())));
        parameters.add(manager.create(layer.state(), new Shape(gates, layer.hidden())));
        parameters.add(manager.create(layer.inputBias(), new Shape(gates)));
        parameters.add(manager.create(layer.stateBias(), new Shape(gates)));
    }

    @Override
    public String version() {
        return "DJL, PyTorch " + Engine.getEngine("PyTorch").getVersion();
    }

    private <T> T forward(Function<NDArray, T> result) {
        try (NDManager scope = manager.newSubManager()) {
            x.attach(scope);
            NDList found = layer.cell() == Cell.LSTM
                    ? x.getNDArrayInternal().lstm(x, new NDList(state, state), parameters, true, 1, 0, false, false, true)
                    : x.getNDArrayInternal().gru(x, state, parameters, true, 1, 0, false, false, true);
            T taken = result.apply(found.getFirst());
            x.attach(manager);
            return taken;
        }
    }

    @Override
    public void run() {
        forward(y -> y);
    }

    @Override
    public float[] output() {
        return forward(NDArray::toFloatArray);
    }

    @Override
    public void close() {
        manager.close();
    }
}
