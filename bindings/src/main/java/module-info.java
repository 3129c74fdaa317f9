/**
 * Bindings of the native libraries: the only module that calls restricted methods. Grant it native
 * access with {@code --enable-native-access=dev.gatun.bindings}.
 */
@SuppressWarnings("module")
module dev.gatun.bindings {
    requires dev.gatun.natives;

    exports dev.gatun.bindings.loader;
    exports dev.gatun.bindings.onednn to dev.gatun.tensor, dev.gatun.models, dev.gatun.cli, dev.gatun.bench;
    exports dev.gatun.bindings.openblas to dev.gatun.tensor, dev.gatun.models, dev.gatun.cli, dev.gatun.bench;
    exports dev.gatun.bindings.kernels to dev.gatun.tensor, dev.gatun.models, dev.gatun.cli, dev.gatun.bench;
}
