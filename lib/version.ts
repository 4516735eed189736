/** What this is: Sauropod's own version and that of the Kubernetes API it speaks. */
export const sauropodVersion = "0.1.0";
export const kubernetesVersion = "1.36.0";
/** `v1.36.0+sauropod.0.1.0` */
export const gitVersion = `v${kubernetesVersion}+sauropod.${sauropodVersion}`;
