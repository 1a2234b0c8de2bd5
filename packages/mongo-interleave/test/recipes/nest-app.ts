import type { DynamicModule } from '@nestjs/common';
import type { Db } from 'mongodb';

export class CouponService {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async redeem(): Promise<boolean> {
    const coupon = await this.#db.collection('coupons').findOne({ used: false });
    if (coupon === null) return false;
    await this.#db.collection('coupons').updateOne({ _id: coupon._id }, { $set: { used: true } });
    return true;
  }
}

export class CouponModule {
  /** The module on a database that somebody else has connected. */
  static on(db: Db): DynamicModule {
    return {
      module: CouponModule,
      providers: [
        { provide: 'DB', useValue: db },
        { provide: CouponService, useFactory: (own: Db) => new CouponService(own), inject: ['DB'] },
      ],
    };
  }
}
