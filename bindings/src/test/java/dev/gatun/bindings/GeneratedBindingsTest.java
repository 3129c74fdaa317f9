package dev.gatun.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.bindings.kernels.gen.GatunC;
import dev.gatun.bindings.loader.NativeLibraries;
import dev.gatun.bindings.onednn.gen.OneDnnC;
import dev.gatun.bindings.onednn.gen.dnnl_exec_arg_t;
import dev.gatun.bindings.onednn.gen.dnnl_version_t;
import dev.gatun.bindings.openblas.gen.OpenBlasC;
import java.io.File;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.GroupLayout;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.PaddingLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What jextract generated, against the libraries that are loaded. */
class GeneratedBindingsTest {

    @ParameterizedTest
    @ValueSource(classes = {OneDnnC.class, OpenBlasC.class, GatunC.class})
    void everySymbolResolves(Class<?> generated) throws ReflectiveOperationException {
        List<String> found = new ArrayList<>();
        for (Method method : generated.getMethods()) {
            if (method.getName().endsWith("$address")) {
                MemorySegment address = (MemorySegment) method.invoke(null);
                assertNotEquals(0, address.address(), method.getName());
                found.add(method.getName());
            }
        }
        assertTrue(found.size() >= 4, generated + " has only the symbols " + found);
    }

    @Test
    void everyStructOfLibgatunLiesWhereTheCompilerPutIt() throws Throwable {
        MethodHandle layout = Linker.nativeLinker().downcallHandle(
                NativeLibraries.lookup("gatun").findOrThrow("gatun_layout"),
                FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.ADDRESS));
        List<Class<?>> structs = generatedStructs();
        assertTrue(structs.size() >= 6, structs.toString());
        for (Class<?> struct : structs) {
            GroupLayout java = (GroupLayout) struct.getMethod("layout").invoke(null);
            assertLayout(layout, struct.getSimpleName(), java.byteSize());
            for (MemoryLayout member : java.memberLayouts()) {
                if (!(member instanceof PaddingLayout)) {
                    String name = member.name().orElseThrow();
                    assertLayout(layout, struct.getSimpleName() + "." + name, java.byteOffset(PathElement.groupElement(name)));
                }
            }
        }
    }

    private static void assertLayout(MethodHandle layout, String name, long java) throws Throwable {
        try (Arena arena = Arena.ofConfined()) {
            long compiled = (long) layout.invokeExact(arena.allocateFrom(name));
            assertNotEquals(-1, compiled, name + " is not in the loaded library");
            assertEquals(compiled, java, name + ": the bindings differ from the loaded library, run make bindings");
        }
    }

    private static List<Class<?>> generatedStructs() throws Exception {
        File folder = new File(GatunC.class.getResource("GatunC.class").toURI()).getParentFile();
        List<Class<?>> structs = new ArrayList<>();
        for (String file : folder.list()) {
            if (file.matches("gatun_\\w+\\.class")) {
                structs.add(Class.forName(GatunC.class.getPackageName() + "." + file.substring(0, file.length() - 6)));
            }
        }
        return structs;
    }

    @Test
    void theVersionThatOneDnnReportsIsTheOneGeneratedFrom() {
        NativeLibraries.load();
        MemorySegment version = OneDnnC.dnnl_version();
        assertEquals(OneDnnC.DNNL_VERSION_MAJOR(), dnnl_version_t.major(version));
        assertEquals(OneDnnC.DNNL_VERSION_MINOR(), dnnl_version_t.minor(version));
        // {int, int, int, pointer, unsigned, unsigned} and {int, pointer} by the C ABI.
        assertEquals(32, dnnl_version_t.layout().byteSize());
        assertEquals(16, dnnl_exec_arg_t.layout().byteSize());
    }
}
