import type { FileError } from '../project.ts';
import type { FixSet } from './build.ts';
import type { FileReport, Report } from './report.ts';

/** What writing makes of a report: called once for every set of files, in any order. */
export class WrittenReport {
  private readonly report: Report;
  private readonly files: Map<string, FileReport>;

  constructor(report: Report) {
    this.report = report;
    this.files = new Map(report.files.map((file) => [file.path, file]));
  }

  /** The set was written: its fixes are applied, its targets fixed. */
  succeeded({ findings, targets, services }: FixSet): void {
    const { fixes, verdicts, serviceVerdicts } = this.report.summary;
    for (const finding of findings) finding.status = 'applied';
    fixes.pending -= findings.length;
    fixes.applied += findings.length;
    for (const target of targets) {
      if (target.verdict !== 'fixable') continue;
      target.verdict = 'fixed';
      verdicts.fixable = (verdicts.fixable ?? 1) - 1;
      verdicts.fixed = (verdicts.fixed ?? 0) + 1;
    }
    for (const service of services) {
      if (service.verdict !== 'fixable') continue;
      service.verdict = 'fixed';
      if (service.runs) continue;
      serviceVerdicts.fixable = (serviceVerdicts.fixable ?? 1) - 1;
      serviceVerdicts.fixed = (serviceVerdicts.fixed ?? 0) + 1;
    }
  }

  /** None of the set was written: what kept one file from it keeps the others too. */
  failed({ paths }: FixSet, error: FileError): void {
    for (const path of paths) {
      const message = path === error.path ? error.message : `not written, since a fix changes ${error.path} too: ${error.message}`;
      Object.assign(this.files.get(path)!, { status: 'error', error: message, errorLine: error.line });
      this.report.summary.errors += 1;
    }
  }
}
