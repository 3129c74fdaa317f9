package dev.gatun.models.task.classify;

import dev.gatun.models.vision.LayerWeights;
import dev.gatun.models.vision.NamedLayers;
import dev.gatun.models.vision.ObservedLayers;
import dev.gatun.models.vision.VisionNetwork;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.ExecutionContext;
import dev.gatun.tensor.exec.Lifetime;
import dev.gatun.tensor.exec.PlanBuilder;
import dev.gatun.tensor.exec.Value;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/** Runs one picture at a time through a network whose every layer can be looked at. One thread. */
final class CalibrationRun implements AutoCloseable {
    static final String PICTURE = "picture";

    private final ExecutionContext trunkContext = new ExecutionContext();
    private final ExecutionContext headContext = new ExecutionContext();
    private final BoundPlan trunk;
    private final BoundPlan head;
    private final Map<String, MemorySegment> values = new LinkedHashMap<>();

    CalibrationRun(NamedLayers names, Function<LayerWeights, VisionNetwork> networks, LayerWeights weights, Arena arena, int threads) {
        VisionNetwork network = networks.apply(new ObservedLayers(weights));
        Lifetime lifetime = new Lifetime("the calibration");
        PlanBuilder t = new PlanBuilder("calibration", lifetime, arena, threads);
        Value picture = t.input(PICTURE, TensorDesc.of(DataType.F32, 1, network.channels(), network.inputSize().height(),
                network.inputSize().width()));
        t.output("trunk", network.trunk(t, picture));
        this.trunk = trunkContext.bind(t.build());
        PlanBuilder h = new PlanBuilder("calibration head", lifetime, arena, threads);
        h.output("logits", network.head(h, h.input("rows", TensorDesc.of(DataType.F32, 1, network.trunkSize()))).logits());
        this.head = headContext.bind(h.build());
        values.put(PICTURE, trunk.input(PICTURE).segment());
        names.convs().keySet().forEach(name -> values.put(name, trunk.output(name).segment()));
        names.linears().keySet().forEach(name -> {
            values.put(name + ".input", head.output(name + ".input").segment());
            values.put(name, head.output(name).segment());
        });
    }

    /** Where the picture goes: F32 [C, H, W]. */
    MemorySegment picture() {
        return values.get(PICTURE);
    }

    void run() {
        trunk.execute();
        head.input("rows").segment().copyFrom(trunk.output("trunk").segment());
        head.execute();
    }

    /** By layer name, F32: results, inputs of linear layers, and the picture; valid until the next run. */
    Map<String, MemorySegment> values() {
        return values;
    }

    MemorySegment logits() {
        return head.output("logits").segment();
    }

    @Override
    public void close() {
        trunkContext.close();
        headContext.close();
    }
}
