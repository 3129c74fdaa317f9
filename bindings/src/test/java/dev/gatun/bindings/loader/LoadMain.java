package dev.gatun.bindings.loader;

import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.bindings.onednn.OneDnn;
import dev.gatun.bindings.openblas.OpenBlas;

/** Loads everything and prints where from; exit code 3 and the message if Gatun says why it cannot. */
final class LoadMain {
    private LoadMain() {
    }

    public static void main(String[] args) {
        if ("openblas".equals(System.getProperty("gatun.test.without"))) {
            NativeLibraries.load();
            return;
        }
        String first = refusal();
        if (first == null) {
            System.out.println("loaded " + NativeLibraries.paths());
            return;
        }
        System.out.println("refused: " + first);
        System.out.println(first.equals(refusal()) ? "same again" : "then: " + refusal());
        System.exit(3);
    }

    private static String refusal() {
        try {
            OneDnn.load();
            OpenBlas.load();
            Kernels.load();
            return null;
        } catch (NativeLibraryException | IllegalArgumentException e) {
            return e.getMessage();
        }
    }
}
