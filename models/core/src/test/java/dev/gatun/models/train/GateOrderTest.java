package dev.gatun.models.train;

import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.testing.Goldens;
import dev.gatun.tensor.Cell;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.graph.Recurrent;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.RecurrentOp.States;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Training of recurrent layers whose gates lie as another framework's files have them. */
class GateOrderTest {
    /** Weights as a file of ONNX has them, of which the gradients are the same in that order. */
    @Test
    void gatesInOnnxsOrderAreLearntAsPyTorchDoes() {
        try (Arena arena = Arena.ofShared()) {
            SafetensorsFile golden = Goldens.open(arena, "train/layers.safetensors");
            Map<Cell, List<Integer>> orders = Map.of(Cell.LSTM, List.of(0, 2, 3, 1), Cell.GRU, List.of(1, 0, 2), Cell.GRU_RESET_FIRST,
                    List.of(1, 0, 2));
            orders.forEach((cell, order) -> {
                String name = cell.name().toLowerCase(Locale.ROOT) + " 0";
                Recurrent sorted = SequenceRulesTest.recurrent(arena, name, cell, 0, 0.5f, 5, 3, true);
                List<Recurrent.Direction> directions = sorted.directions().stream().map(d -> new Recurrent.Direction(
                        inOrder(arena, d.input(), order), inOrder(arena, d.state(), order), inOrder(arena, d.inputBias(), order),
                        inOrder(arena, d.stateBias(), order), null, d.reverse())).toList();
                Recurrent other = new Recurrent(cell, directions, order, States.NONE);
                SequenceRulesTest.check(arena, golden, name, 5, (g, x, rows) -> g.addAll("rnn", other, x, rows).getFirst(),
                        gradient -> gates(arena, gradient, order, false));
            });
        }
    }

    /** The parts of gates where a file has them, or back. */
    private static Tensor gates(Arena arena, Tensor of, List<Integer> order, boolean toFile) {
        Tensor other = Tensor.allocate(arena, of.desc());
        long bytes = of.segment().byteSize() / order.size();
        for (int i = 0; i < order.size(); i++) {
            long file = order.get(i) * bytes;
            MemorySegment.copy(of.segment(), toFile ? i * bytes : file, other.segment(), toFile ? file : i * bytes, bytes);
        }
        return other;
    }

    private static Weight inOrder(Arena arena, Weight weight, List<Integer> order) {
        return new Weight(weight.name(), gates(arena, weight.tensor(), order, true));
    }
}
