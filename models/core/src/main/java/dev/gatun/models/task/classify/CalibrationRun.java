package dev.gatun.models.task.classify;

import dev.gatun.models.runtime.Program;
import dev.gatun.models.runtime.Session;
import dev.gatun.models.vision.VisionNetwork;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.graph.pass.Observe;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/** Runs one picture at a time through a network whose every layer can be looked at. One thread. */
final class CalibrationRun implements AutoCloseable {
    static final String PICTURE = "picture";

    private final Program program;
    /** One each: what one leaves is still there when the other has run. */
    private final Session trunkSession;
    private final Session headSession;
    private final BoundPlan trunk;
    private final BoundPlan head;
    private final Map<String, MemorySegment> values = new LinkedHashMap<>();

    /**
     * Loads the network.
     *
     * @param network   fused or quantized
     * @param temporary owns weights that passes make
     */
    CalibrationRun(VisionNetwork network, Arena temporary, int threads) {
        Observe observe = new Observe();
        VisionNetwork observed = network.rewrite(graph -> observe.run(graph, QuantizedFile.TARGET, temporary));
        this.program = Program.load(new Program.Part(observed.trunk(), QuantizedFile.TARGET),
                new Program.Part(observed.head(), QuantizedFile.TARGET));
        Session[] sessions = new Session[2];
        try {
            this.trunkSession = sessions[0] = program.newSession(threads);
            this.headSession = sessions[1] = program.newSession(threads);
            this.trunk = trunkSession.bind(program.plan(observed.trunk().name(), observed.trunk().typicalSizes(), threads));
            this.head = headSession.bind(program.plan(observed.head().name(), observed.head().typicalSizes(), threads));
        } catch (RuntimeException | Error e) {
            Stream.of(sessions).filter(Objects::nonNull).forEach(Session::close);
            program.close();
            throw e;
        }
        values.put(PICTURE, trunk.input(VisionNetwork.PICTURES).segment());
        observed.trunk().outputs().keySet().stream().filter(name -> !network.trunk().outputs().containsKey(name))
                .forEach(name -> values.put(name, trunk.output(name).segment()));
        observed.head().outputs().keySet().stream().filter(name -> !network.head().outputs().containsKey(name))
                .forEach(name -> values.put(name, head.output(name).segment()));
    }

    /** Where the picture goes: F32 [C, H, W]. */
    MemorySegment picture() {
        return values.get(PICTURE);
    }

    void run() {
        trunk.execute();
        head.input(VisionNetwork.ROWS).segment().copyFrom(trunk.output(VisionNetwork.ROWS).segment());
        head.execute();
    }

    /** By layer name, F32: results, inputs of linear layers, and the picture; valid until the next run. */
    Map<String, MemorySegment> values() {
        return values;
    }

    MemorySegment logits() {
        return head.output(VisionNetwork.LOGITS).segment();
    }

    @Override
    public void close() {
        trunkSession.close();
        headSession.close();
        program.close();
    }
}
