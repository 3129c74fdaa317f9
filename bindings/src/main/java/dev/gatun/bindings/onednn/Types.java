package dev.gatun.bindings.onednn;

import dev.gatun.bindings.onednn.gen.OneDnnC;

/** {@code dnnl_data_type_t} values. */
public final class Types {
    public static final int F32 = OneDnnC.dnnl_f32();
    public static final int F16 = OneDnnC.dnnl_f16();
    public static final int BF16 = OneDnnC.dnnl_bf16();
    public static final int S32 = OneDnnC.dnnl_s32();
    public static final int S8 = OneDnnC.dnnl_s8();
    public static final int U8 = OneDnnC.dnnl_u8();

    private Types() {
    }
}
