package dev.gatun.bindings.onednn;

import dev.gatun.bindings.onednn.gen.OneDnnC;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A compiled primitive. Immutable, may be executed by many threads at once, each with its own arguments. */
public final class Primitive {
    private final MemorySegment handle;

    private Primitive(MemorySegment handle) {
        this.handle = handle;
    }

    /** Compiles for the thread count that the calling thread has now. */
    public static Primitive create(Arena arena, PrimitiveDesc desc) {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment out = temporary.allocate(OneDnnC.C_POINTER);
            OneDnn.check("dnnl_primitive_create " + desc.implementation(),
                    OneDnnC.dnnl_primitive_create(out, desc.handle()));
            return new Primitive(Owned.handle(out, arena, OneDnnC::dnnl_primitive_destroy));
        }
    }

    /** Stamps the arguments: what is left for a request is {@link Execution#run}. */
    public Execution bind(Arena arena, Stream stream, Args args) {
        return new Execution(handle, stream.handle(), args.size(), args.build(arena));
    }

    /** A primitive with its arguments. Allocates nothing; one thread at a time. */
    public static final class Execution {
        private final MemorySegment primitive;
        private final MemorySegment stream;
        private final int count;
        private final MemorySegment args;

        private Execution(MemorySegment primitive, MemorySegment stream, int count, MemorySegment args) {
            this.primitive = primitive;
            this.stream = stream;
            this.count = count;
            this.args = args;
        }

        /**
         * Computes.
         *
         * @throws OneDnnException       if oneDNN refuses
         * @throws IllegalStateException if the arena of the primitive or of the arguments is closed
         */
        public void run() {
            int status = OneDnnC.dnnl_primitive_execute(primitive, stream, count, args);
            if (status != 0) {
                throw new OneDnnException("dnnl_primitive_execute", status);
            }
        }
    }
}
