/** Where on the host a pod's files are. Pure. */

export interface AgentDirectories {
  /** `<data-dir>/agent` */
  readonly root: string;
}

/** All pods' directories; on disk. */
export const podsDirectory = ({ root }: AgentDirectories) => `${root}/pods`;
/** A tmpfs: what may not be written to a disk. */
export const memoryDirectory = ({ root }: AgentDirectories) => `${root}/memory`;
export const podDirectory = (dirs: AgentDirectories, uid: string) => `${podsDirectory(dirs)}/${uid}`;
export const podMemoryDirectory = (dirs: AgentDirectories, uid: string) => `${memoryDirectory(dirs)}/${uid}`;

export const emptyDirectory = (dirs: AgentDirectories, uid: string, volume: string) =>
  `${podDirectory(dirs, uid)}/volumes/${volume}`;
export const payloadDirectory = (dirs: AgentDirectories, uid: string, volume: string) =>
  `${podMemoryDirectory(dirs, uid)}/${volume}`;
export const subPathTarget = (dirs: AgentDirectories, uid: string, container: string, index: number) =>
  `${podDirectory(dirs, uid)}/sub_paths/${container}/${index}`;
export const terminationLog = (dirs: AgentDirectories, uid: string, container: string, attempt: number) =>
  `${podDirectory(dirs, uid)}/containers/${container}/${attempt}`;
